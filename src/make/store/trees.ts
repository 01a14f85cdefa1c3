/**
 * Source trees in the store: `trees/<digest>/` and, beside each, `trees/<digest>.json` with where it came from.
 * A tree is checked whenever it is handed out: small ones are hashed again, of large ones size and time of each file
 * are compared with those noted when it was stored.
 */
import { mkdir, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder } from '../../base/files/paths.js';
import type { OnSourceEvent } from './events.js';
import { readJson, writeJson } from './json.js';
import { listTree, type TreeEntry, type TreeListing, treeDigest } from './tree-digest.js';
import { withWorkFolder } from './work.js';

/** Trees of more files than this are not hashed again on each use. */
const HASHED = 2000;

export interface TreeRecord {
  digest: string;
  files: number;
  bytes: number;
  /** Where it was first seen. */
  location: string;
  /** ISO 8601. */
  stored: string;
  archive?: { sha256: string; size: number; name: string };
  /** Size and time of each file, in the listing's order; of large trees only. */
  facts?: string[];
}

export function treePath(digest: string): string {
  return join(cacheFolder(), 'trees', digest);
}

/**
 * Moves a finished tree into place. Another process may have been first: then its tree stays, if it is intact.
 * @param folder in the store's `tmp`
 */
export async function putTree(
  folder: string,
  digest: string,
  listing: TreeListing,
  origin: Pick<TreeRecord, 'location' | 'archive'>,
): Promise<TreeRecord> {
  const path = treePath(digest);
  await mkdir(join(path, '..'), { recursive: true });
  for (let attempt = 0; ; attempt++) {
    try {
      await rename(folder, path);
      break;
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if ((code !== 'ENOTEMPTY' && code !== 'EEXIST') || attempt === 3) throw error;
      const present = await getTree(digest);
      if (present !== undefined) return present;
    }
  }
  return recordTree(digest, listing, origin);
}

/** The tree's record if it is there and still what its name says; a damaged one is removed. */
export async function getTree(digest: string, onEvent?: OnSourceEvent): Promise<TreeRecord | undefined> {
  const path = treePath(digest);
  if ((await stat(path).catch(() => undefined)) === undefined) return undefined;
  const record = await readJson<TreeRecord>(`${path}.json`);
  let reason: string;
  try {
    const listing = await listTree(path);
    const noted = record?.facts;
    if (noted !== undefined && listing.entries.length > HASHED) {
      if (sameTexts(noted, factsOf(listing.entries))) return record;
      reason = 'its files are not those that were stored';
    } else {
      const found = await treeDigest(path, listing);
      if (found === digest) return record ?? recordTree(digest, listing, { location: 'the store' });
      reason = `its digest had become ${found}`;
    }
  } catch (error) {
    reason = (error as Error).message;
  }
  // Renamed first: whoever looks sees either all of it or nothing.
  await withWorkFolder((work) => rename(path, join(work, 'damaged')).catch(() => {}));
  onEvent?.({ kind: 'discarded', path, reason });
  return undefined;
}

async function recordTree(
  digest: string,
  listing: TreeListing,
  origin: Pick<TreeRecord, 'location' | 'archive'>,
): Promise<TreeRecord> {
  const files = listing.entries.length;
  const record: TreeRecord = {
    digest,
    files,
    bytes: listing.bytes,
    ...origin,
    stored: new Date().toISOString(),
    ...(files > HASHED ? { facts: factsOf(listing.entries) } : {}),
  };
  await writeJson(`${treePath(digest)}.json`, record);
  return record;
}

function factsOf(entries: readonly TreeEntry[]): string[] {
  return entries.map((entry) => `${entry.size} ${entry.mtime} ${entry.target ?? ''} ${entry.path}`);
}

function sameTexts(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((text, index) => text === b[index]);
}

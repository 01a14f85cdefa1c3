/**
 * Packages unpacked in the store: `packages/trees/<digest>/` and, beside each, `<digest>.json` with size and time of each
 * file, with which it is compared when it is used for the first time in a process.
 */
import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder } from '../../base/files/paths.js';
import { here } from '../../hosts/host/local.js';
import type { OnSourceEvent } from '../store/events.js';
import { readJson, writeJson } from '../store/json.js';
import { put } from '../store/keep.js';
import { listTree } from '../store/tree-digest.js';
import { withWorkFolder } from '../store/work.js';

/** A kernel's modules take a while to decompress. */
const PATIENCE = 10 * 60_000;

const looked = new Set<string>();

/** The folder for the content of packages. */
export function unpackedFolder(digest: string): string {
  return join(cacheFolder(), 'packages', 'trees', digest);
}

/** The folder that holds the content of these .deb files; unpacks them where it is missing or was changed. */
export async function unpackedDebs(
  digest: string,
  debs: readonly string[],
  signal?: AbortSignal,
  onEvent?: OnSourceEvent,
): Promise<string> {
  const folder = unpackedFolder(digest);
  if (looked.has(folder) && (await here.stat(folder)) !== undefined) return folder;
  await withWorkFolder(async (work) => {
    const noted = await readJson<string>(`${folder}.json`);
    const found = await factsOf(folder).catch(() => undefined);
    if (noted !== undefined && found === noted) return;
    if (found !== undefined) {
      // Of a command killed before it had noted the facts, or changed by somebody.
      if (noted !== undefined) {
        onEvent?.({ kind: 'discarded', path: folder, reason: 'its files are not those that were stored' });
      }
      await rename(folder, join(work, 'discarded')).catch(() => {});
    }
    const fresh = join(work, 'fresh');
    await mkdir(fresh);
    for (const deb of debs) {
      await here.run(['dpkg-deb', '--extract', deb, fresh], {
        timeout: PATIENCE,
        ...(signal ? { signal } : {}),
      });
    }
    const facts = await factsOf(fresh);
    await put(fresh, folder);
    await writeJson(`${folder}.json`, facts);
  });
  looked.add(folder);
  return folder;
}

/** Sizes and times; dpkg-deb sets the times that are in the package, so they are the same wherever it is unpacked. */
async function factsOf(folder: string): Promise<string> {
  const { entries } = await listTree(folder);
  return entries.map(({ path, size, mtime, target = '' }) => `${size} ${mtime} ${target} ${path}`).join('\n');
}

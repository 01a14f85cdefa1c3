/**
 * The name of a source tree: one SHA-256 over a canonical listing, the same for a tarball's, a checkout's and a
 * copied tree of equal content.
 *
 * The listing has a record for each file and each symbolic link, sorted by the bytes of its path:
 *
 *     "file" SP <sha-256 of the content, 64 hex digits> SP <path> NUL
 *     "link" SP <sha-256 of the target text, 64 hex digits> SP <path> NUL
 *
 * Paths are relative to the tree's root, parts joined by "/", in UTF-8 (a name in another encoding is an error). Folders named `.git`,
 * `.svn` and `CVS` are left out with all in them. Left out as well, because archives, git and svn disagree on them:
 * modes (the executable bit too), owners, times, and folders that hold no file.
 */
import { createHash } from 'node:crypto';
import type { Dirent, Stats } from 'node:fs';
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf, digestOfFile } from '../../base/digest.js';

/** Folders of version control: no part of the source. */
export const VERSION_CONTROL: readonly string[] = ['.git', '.svn', 'CVS'];

/** Files above this many bytes are hashed as streams. */
const SMALL = 1 << 20;
/** Files read at the same time. */
const AT_ONCE = 32;

export interface TreeEntry {
  path: string;
  kind: 'file' | 'link' | 'other';
  /** Bytes; of a link, the length of its target. */
  size: number;
  /** Milliseconds since 1970, with fractions. */
  mtime: number;
  /** Of a link only. */
  target?: string;
}

export interface TreeListing {
  entries: TreeEntry[];
  /** Paths of the folders that are left out. */
  ignored: string[];
  /** Bytes of all files together. */
  bytes: number;
}

export interface ListingLimits {
  entries: number;
  bytes: number;
}

/** A tree that is larger than it may be, or can't be named; the message is the reason alone. */
export class TreeError extends Error {}

/**
 * Lists all files, links and other non-folders of a tree, sorted bytewise.
 * @throws TreeError as soon as a limit is passed, or at a name that is not UTF-8
 */
export async function listTree(folder: string, limits?: ListingLimits): Promise<TreeListing> {
  const entries: TreeEntry[] = [];
  const ignored: string[] = [];
  let bytes = 0;
  const visit = async (relative: string): Promise<void> => {
    for (const child of await readdir(join(folder, relative), { withFileTypes: true })) {
      const path = relative === '' ? child.name : `${relative}/${child.name}`;
      if (child.isDirectory()) {
        if (VERSION_CONTROL.includes(child.name)) ignored.push(path);
        else await visit(path);
        continue;
      }
      // What node puts where bytes were no UTF-8.
      if (child.name.includes('\ufffd')) throw new TreeError(`the name of ${path} is not UTF-8`);
      const stats = await lstat(join(folder, path));
      entries.push(await entryOf(folder, path, child, stats));
      if (child.isFile()) bytes += stats.size;
      if (limits !== undefined) requireWithin(limits, entries.length, bytes);
    }
  };
  await visit('');
  return { entries: sortByPath(entries), ignored, bytes };
}

/** Digest of a whole tree, as 64 hex digits; see the head of this file. */
export async function treeDigest(folder: string, listing?: TreeListing): Promise<string> {
  const { entries } = listing ?? (await listTree(folder));
  const hash = createHash('sha256');
  for (let start = 0; start < entries.length; start += AT_ONCE) {
    const part = entries.slice(start, start + AT_ONCE);
    for (const record of await Promise.all(part.map((entry) => recordOf(folder, entry)))) hash.update(record);
  }
  return hash.digest('hex');
}

async function recordOf(folder: string, { kind, path, size, target = '' }: TreeEntry): Promise<string> {
  if (kind === 'other') return '';
  const content = kind === 'link' ? digestOf(target) : await contentDigest(join(folder, path), size);
  return `${kind} ${content} ${path}\0`;
}

async function contentDigest(path: string, size: number): Promise<string> {
  return size > SMALL ? digestOfFile(path) : digestOf(await readFile(path));
}

async function entryOf(folder: string, path: string, child: Dirent, stats: Stats): Promise<TreeEntry> {
  const common = { path, size: stats.size, mtime: stats.mtimeMs };
  if (child.isFile()) return { ...common, kind: 'file' };
  if (!child.isSymbolicLink()) return { ...common, kind: 'other' };
  return { ...common, kind: 'link', target: await readlink(join(folder, path)) };
}

function requireWithin(limits: ListingLimits, entries: number, bytes: number): void {
  if (entries > limits.entries) throw new TreeError(`it holds more than ${limits.entries} files`);
  if (bytes > limits.bytes) throw new TreeError(`it holds more than ${limits.bytes} bytes`);
}

/** Bytewise, which differs from the order of JavaScript's strings outside of the basic plane. */
function sortByPath(entries: TreeEntry[]): TreeEntry[] {
  return entries
    .map((entry) => ({ entry, key: Buffer.from(entry.path) }))
    .sort((a, b) => Buffer.compare(a.key, b.key))
    .map(({ entry }) => entry);
}

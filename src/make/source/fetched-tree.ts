import { rm } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { LabError } from '../../base/errors.js';
import { linkFault } from '../archive/entry.js';
import type { OnSourceEvent } from '../store/events.js';
import type { Limits } from '../store/limits.js';
import { listTree, TreeError, type TreeListing, treeDigest } from '../store/tree-digest.js';
import { putTree, treePath } from '../store/trees.js';
import type { Fetched } from './locations/fetched.js';
import { possibleRoots } from './root.js';
import type { Found } from './source-tree.js';

export interface Root {
  folder: string;
  digest: string;
  listing: TreeListing;
}

/**
 * Finds the root of the source in what was fetched: of the folders that may be it, the one with a pinned digest, else the
 * likeliest.
 * @param trees pinned digests
 */
export async function chooseRoot(
  folder: string,
  subdirs: readonly string[],
  trees: readonly string[],
  limits: Limits,
): Promise<Root> {
  const bounds = { entries: limits.entries, bytes: limits.unpacked };
  let first: Root | undefined;
  for (const candidate of await possibleRoots(folder, subdirs)) {
    const listing = await listTree(candidate, bounds);
    const root = { folder: candidate, digest: await treeDigest(candidate, listing), listing };
    if (trees.length === 0 || trees.includes(root.digest)) return root;
    first ??= root;
  }
  if (first === undefined) throw new TreeError('nothing came');
  return first;
}

/**
 * Refuses what no source tree may hold: devices, pipes, sockets, and links that lead out of it.
 * @throws TreeError
 * @param absolute whether links to absolute paths are let through: in a tree of the user's own (automake makes such)
 */
export function checkTree({ entries }: TreeListing, absolute = false): void {
  const links = new Map<string, string>();
  for (const { path, kind, target } of entries) {
    if (kind === 'other') throw new TreeError(`${path} is a device, pipe or socket`);
    if (kind === 'link' && !(absolute && target?.startsWith('/'))) links.set(path, target ?? '');
  }
  for (const path of links.keys()) {
    const fault = linkFault(path, links);
    if (fault !== undefined) throw new TreeError(`${path} is refused: ${fault}`);
  }
  if (entries.length === 0) throw new TreeError('there is no file in it');
}

/** Puts what was fetched into the store, version control's own folders left out. */
export async function storeFetched(fetched: Fetched, root: Root, onEvent: OnSourceEvent): Promise<Found> {
  const { location, archive } = fetched;
  const { folder, digest, listing } = root;
  for (const path of listing.ignored) await rm(join(folder, path), { recursive: true, force: true });
  const origin = archive === undefined ? { location } : { location, archive: pick(archive) };
  await putTree(folder, digest, listing, origin);
  const { entries, bytes } = listing;
  onEvent({ kind: 'unpacked', location, files: entries.length, bytes, digest });
  return { folder: treePath(digest), digest, location, archive, cached: false };
}

/** @throws LabError if the recipe's `subdir` is not in what was fetched */
export function requireSubdir(fetched: Fetched, root: Root, subdir: string | undefined): void {
  if (subdir === undefined) return;
  const found = relative(fetched.folder, root.folder);
  if (found === subdir || found.endsWith(`/${subdir}`)) return;
  throw new LabError({
    tried: `looking into ${fetched.location}`,
    happened: `there is no folder ${subdir} in it`,
  });
}

function pick({ sha256, size, name }: { sha256: string; size: number; name: string }): {
  sha256: string;
  size: number;
  name: string;
} {
  return { sha256, size, name };
}

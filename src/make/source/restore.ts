import type { Release } from '../recipe/schema.js';
import { type ArchiveFacts, pinnedTrees } from '../store/pins.js';
import { withWorkFolder } from '../store/work.js';
import { unpackArchive } from './arrive/archive.js';
import { checkTree, chooseRoot, settle } from './settle.js';
import type { Found, RecallOptions } from './source-tree.js';

/** Unpacks an archive of the store again whose tree is no longer there. */
export function restore(
  path: string,
  facts: ArchiveFacts,
  location: string,
  subdirs: readonly string[],
  release: Release,
  options: RecallOptions,
): Promise<Found & { archive: ArchiveFacts }> {
  const { limits, onEvent } = options;
  return withWorkFolder(async (work) => {
    const arrival = await unpackArchive(path, facts, { ...options, work, location });
    const root = await chooseRoot(arrival.folder, subdirs, pinnedTrees(release), limits);
    checkTree(root.listing);
    return { ...(await settle(arrival, root, onEvent)), archive: facts, cached: true };
  });
}

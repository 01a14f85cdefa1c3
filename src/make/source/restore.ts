import type { Release } from '../recipe/schema.js';
import { type ArchiveFacts, pinnedTrees } from '../store/pins.js';
import { withWorkFolder } from '../store/work.js';
import { checkTree, chooseRoot, storeFetched } from './fetched-tree.js';
import { unpackArchive } from './locations/archive.js';
import type { Found, StepOptions } from './source-tree.js';

/** Unpacks an archive of the store again whose tree is no longer there. */
export function restore(
  path: string,
  facts: ArchiveFacts,
  location: string,
  subdirs: readonly string[],
  release: Release,
  options: StepOptions,
): Promise<Found & { archive: ArchiveFacts }> {
  const { limits, onEvent } = options;
  return withWorkFolder(async (work) => {
    const fetched = await unpackArchive(path, facts, { ...options, work, location });
    const root = await chooseRoot(fetched.folder, subdirs, pinnedTrees(release), limits);
    checkTree(root.listing);
    return { ...(await storeFetched(fetched, root, onEvent)), archive: facts, cached: true };
  });
}

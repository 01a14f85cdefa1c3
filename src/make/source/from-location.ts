import { join } from 'node:path';
import { digestOf } from '../../base/digest.js';
import { cacheFolder } from '../../base/files/paths.js';
import { here } from '../../hosts/host/local.js';
import type { SelectedRelease } from '../recipe/load.js';
import { writeHint } from '../store/hints.js';
import { DigestError, mayDiffer, pinnedTrees } from '../store/pins.js';
import { withWorkFolder } from '../store/work.js';
import { checkTree, chooseRoot, requireSubdir, storeFetched } from './fetched-tree.js';
import { describeSource, sourceKey } from './location.js';
import { fetchLocation, type Location } from './locations/fetch-location.js';
import { lookUp } from './lookup.js';
import { asSourceTree, comparePins, type SourceTree, type StepOptions } from './source-tree.js';
import { isPlainSource } from './unproven.js';

/** One location; a second process that wants the same waits and then finds it in the store. */
export async function fetchFrom(
  selected: SelectedRelease,
  source: Location,
  options: StepOptions,
): Promise<SourceTree> {
  const { release } = selected;
  const { limits, onEvent } = options;
  const key = sourceKey(source);
  const lock = await here.lock(join(cacheFolder(), 'locks', digestOf(key)), limits.location);
  try {
    const meanwhile = await lookUp(selected, source, options).catch(() => undefined);
    if (meanwhile !== undefined) return meanwhile;
    const signal = AbortSignal.any([options.signal, AbortSignal.timeout(limits.location)]);
    return await withWorkFolder(async (work) => {
      const fetched = await fetchLocation(source, {
        ...options,
        signal,
        work,
        location: describeSource(source),
      });
      const trees = pinnedTrees(release);
      const root = await chooseRoot(
        fetched.folder,
        source.subdir === undefined ? [] : [source.subdir],
        trees,
        limits,
      );
      requireSubdir(fetched, root, source.subdir);
      checkTree(root.listing);
      const { location, archive } = fetched;
      const pinned = comparePins(release, root.digest, archive);
      if (pinned === 'differs' && !mayDiffer(source)) {
        throw new DigestError({
          tried: `checking the tree from ${location}`,
          happened: `the tree that came has sha256 ${root.digest}, pinned is ${trees.join(' or ')}`,
        });
      }
      if (pinned === 'differs') onEvent({ kind: 'differs', location, digest: root.digest, expected: trees });
      else if (pinned !== 'none') {
        const digest = pinned === 'archive' && archive ? archive.sha256 : root.digest;
        onEvent({ kind: 'verified', location, by: pinned, digest });
      }
      const found = await storeFetched(fetched, root, onEvent);
      await writeHint({ key, tree: root.digest, location, ...(archive === undefined ? {} : { archive }) });
      return asSourceTree(selected, { ...found, isPlain: isPlainSource(source) }, pinned);
    });
  } finally {
    await lock.release();
  }
}

/** The stage "recipe → verified source tree in the store". What only a miss needs is loaded when one happens. */

import { join } from 'node:path';
import { packageRoot, programsFolder } from '../../base/files/paths.js';
import type { SelectedRelease } from '../recipe/load.js';
import { LIMITS } from '../store/limits.js';
import { treeDigest } from '../store/tree-digest.js';
import { describeSource, inOrder } from './location.js';
import type { Location } from './locations/fetch-location.js';
import { lookUp, lookUpTree } from './lookup.js';
import type { StepOptions } from './source-tree.js';
import { asSourceTree, type FetchOptions, type SourceTree } from './source-tree.js';
import type { Failure } from './unreachable.js';

export type { SourceEvent } from '../store/events.js';
export type { FetchOptions, SourceTree } from './source-tree.js';

/**
 * The source tree of a release, from the store or the first location that gives it as the recipe pins it.
 * What came from a location that is not pinned is remembered: it is not asked again while the store has it.
 * @throws UnreachableError that lists each location with its reason
 * @throws UsageError, ArchiveError, MissingError for a `source` of the user's that can't be used
 */
export async function fetchSource(
  selected: SelectedRelease,
  options: FetchOptions = {},
): Promise<SourceTree> {
  const { release } = selected;
  const { offline = false } = options;
  const stepOptions: StepOptions = {
    limits: { ...LIMITS, ...options.limits },
    signal: options.signal ?? new AbortController().signal,
    onEvent: options.onEvent ?? (() => {}),
  };
  if (options.source !== undefined) {
    const { fetchUserCopy } = await import('./user-copy.js');
    return fetchUserCopy(selected, options.source, offline, stepOptions);
  }
  const builtin = release.sources.find((source) => source.type === 'builtin');
  if (builtin !== undefined) return ownCode(selected, builtin.subdir);
  const locations = inOrder(release.sources) as Location[];
  for (const source of locations) {
    const tree = await lookUp(selected, source, stepOptions).catch(() => undefined);
    if (tree !== undefined) return tree;
  }
  const stored = await lookUpTree(selected, stepOptions);
  if (stored !== undefined) return stored;
  const [{ fetchFrom }, { unreachable }, { reasonOf }] = await Promise.all([
    import('./from-location.js'),
    import('./unreachable.js'),
    import('./reason.js'),
  ]);
  if (offline) throw unreachable(selected, [], offline);
  const failures: Failure[] = [];
  for (const source of locations) {
    const location = describeSource(source);
    const { state } = source;
    stepOptions.onEvent({ kind: 'trying', location, state });
    try {
      return await fetchFrom(selected, source, stepOptions);
    } catch (error) {
      options.signal?.throwIfAborted();
      const reason = reasonOf(error);
      failures.push({ location, reason });
      stepOptions.onEvent({ kind: 'failed', location, state, reason });
    }
  }
  throw unreachable(selected, failures, offline);
}

/**
 * The same for whoever builds it.
 * @throws UnprovenError for what nothing vouches for, unless that is `unpinned`
 */
export async function fetchToBuild(
  selected: SelectedRelease,
  { unpinned, ...options }: FetchOptions & { unpinned?: boolean | undefined } = {},
): Promise<SourceTree> {
  const tree = await fetchSource(selected, options);
  if (tree.unproven) (await import('./unproven.js')).requireProven(tree, unpinned);
  return tree;
}

/** A folder of this package; without its name the native target: the code that runs now. */
async function ownCode(selected: SelectedRelease, subdir: string | undefined): Promise<SourceTree> {
  const folder = subdir === undefined ? programsFolder : join(packageRoot, subdir);
  const digest = await treeDigest(folder);
  return asSourceTree(selected, { folder, digest, location: 'part of aoe-lab', cached: true }, 'none');
}

/** From a release to its artifacts: fetched, patched and built. */
import { fetchToBuild } from '../source/fetch.js';
import type { FetchOptions, SourceTree } from '../source/source-tree.js';
import type { SourceEvent } from '../store/events.js';
import { type BuildResult, buildArtifacts } from './build.js';
import type { Buildable } from './buildable.js';
import type { BuildEvent, BuildOptions } from './options.js';

export interface FromSourceOptions
  extends Pick<FetchOptions, 'source' | 'offline'>,
    Pick<BuildOptions, 'force' | 'jobs'> {
  /** Whether a source is built that nothing vouches for. */
  unpinned?: boolean | undefined;
  onEvent?: ((event: SourceEvent | BuildEvent) => void) | undefined;
}

export interface BuiltFromSource {
  built: BuildResult;
  tree: SourceTree;
}

/** @throws as `fetchToBuild` and `buildArtifacts` */
export async function buildFromSource(
  buildable: Buildable,
  { source, offline, unpinned, force, jobs, onEvent }: FromSourceOptions,
): Promise<BuiltFromSource> {
  const tree = await fetchToBuild(buildable.selected, { source, offline, unpinned, onEvent });
  return { built: await buildArtifacts(tree, buildable, { force, jobs, onEvent }), tree };
}

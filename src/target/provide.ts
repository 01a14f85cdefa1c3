import type { BuildEvent } from '../build/build.js';
import { effective, findRelease, loadRecipe } from '../recipe/load.js';
import type { SourceEvent, SourceTree } from '../source/fetch.js';
import type { Served } from './plan.js';

export interface ProvideOptions {
  release?: string | undefined;
  /** The user's copy: a folder, an archive or a URL. */
  source?: string | undefined;
  offline?: boolean | undefined;
  /** That a kernel module is built for, as findKernelTree takes it; the running one otherwise. */
  kernel?: string | undefined;
  onEvent?: (event: SourceEvent | BuildEvent) => void;
}

export interface Provided extends Served {
  tree: SourceTree;
  /** Names of the patches applied. */
  patches: string[];
  /** Whether the build was in the store. */
  cached: boolean;
}

/**
 * Brings an implementation to the point where it can be exported: fetches, patches and builds what is not in the store.
 * @throws MissingError where this version can't run it, or something to build it is missing here
 * @throws UnreachableError if no location has the source
 */
export async function provide(implementation: string, options: ProvideOptions): Promise<Provided> {
  const recipe = await loadRecipe(implementation);
  const release = findRelease(recipe, options.release);
  const isModule = recipe.kind === 'kernel module';
  const [{ fetchSource }, { buildArtifacts, refuseUnbuildable }] = await Promise.all([
    import('../source/fetch.js'),
    import('../build/build.js'),
  ]);
  const { source, offline, onEvent } = options;
  // Loaded for modules alone: daemons have no use for Debian's kernels.
  const kernel = isModule
    ? await (await import('../build/kernel.js')).findKernelTree(options.kernel ?? 'host', { offline })
    : undefined;
  // Before the source is fetched.
  refuseUnbuildable(recipe, release, kernel);
  const tree = await fetchSource(recipe, release, {
    ...(source === undefined ? {} : { source }),
    ...(offline === undefined ? {} : { offline }),
    ...(onEvent === undefined ? {} : { onEvent }),
  });
  const built = await buildArtifacts(tree, recipe, release, {
    kernel,
    ...(onEvent === undefined ? {} : { onEvent }),
  });
  return {
    implementation: recipe.name,
    release: release.version,
    control: effective(recipe, release).control,
    build: built.key,
    artifacts: built.artifacts,
    tree,
    patches: built.patches,
    cached: built.cached,
  };
}

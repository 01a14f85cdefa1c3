import type { BuildEvent } from '../build/build.js';
import type { KernelTree } from '../build/kernel.js';
import { UsageError } from '../errors.js';
import type { Host } from '../host/host.js';
import { here } from '../host/local.js';
import { effective, findRelease, loadRecipe } from '../recipe/load.js';
import type { SourceEvent, SourceTree } from '../source/fetch.js';
import { runsOwnCode, withOwnCode } from './own-code.js';
import type { Served } from './plan.js';

export interface ProvideOptions {
  release?: string | undefined;
  /** The user's copy: a folder, an archive or a URL. */
  source?: string | undefined;
  offline?: boolean | undefined;
  /** That a kernel module is built for, as findKernelTree takes it; the running one otherwise. */
  kernel?: string | undefined;
  /** Where it is to run: a module is built for the kernel of that host, and for no other. */
  runsOn?: Host | undefined;
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
  if (!isModule && options.runsOn !== undefined && options.kernel !== undefined) {
    throw new UsageError({
      tried: `providing ${recipe.name} for the kernel ${options.kernel}`,
      happened: 'it is no kernel module, so that no kernel matters to its build',
      next: 'leave --kernel out',
    });
  }
  const [{ fetchSource }, { buildArtifacts, refuseUnbuildable }] = await Promise.all([
    import('../source/fetch.js'),
    import('../build/build.js'),
  ]);
  const { source, offline, runsOn, onEvent } = options;
  const control = effective(recipe, release).control;
  const isOwn = runsOwnCode(control);
  // Loaded for modules alone: daemons have no use for Debian's kernels.
  const kernel = isModule ? await kernelOf(options) : undefined;
  const on = isModule ? kernel?.on : isOwn ? undefined : await builderFor(runsOn);
  // Before the source is fetched.
  await refuseUnbuildable(recipe, release, kernel, on);
  const tree = await fetchSource(recipe, release, {
    ...(source === undefined ? {} : { source }),
    ...(offline === undefined ? {} : { offline }),
    ...(onEvent === undefined ? {} : { onEvent }),
  });
  const built = await buildArtifacts(tree, recipe, release, {
    kernel,
    on,
    ...(onEvent === undefined ? {} : { onEvent }),
  });
  const served: Served = {
    implementation: recipe.name,
    release: release.version,
    control,
    build: built.key,
    artifacts: built.artifacts,
  };
  return {
    ...(isOwn ? await withOwnCode(runsOn ?? here, served) : served),
    tree,
    patches: built.patches,
    cached: built.cached,
  };
}

/** A host that programs built here do not run on builds them itself. */
async function builderFor(runsOn: Host | undefined): Promise<Host | undefined> {
  if (runsOn === undefined || runsOn.isHere) return undefined;
  const [{ findToolchain }, elsewhere] = await Promise.all([
    import('../build/toolchain.js'),
    import('../build/elsewhere.js'),
  ]);
  const toolchain = await findToolchain();
  return toolchain !== undefined && (await elsewhere.runsOn(runsOn, toolchain)) ? undefined : runsOn;
}

async function kernelOf({ kernel, runsOn, offline }: ProvideOptions): Promise<KernelTree> {
  const { findKernelTree, kernelFor } = await import('../build/kernel.js');
  return runsOn === undefined
    ? findKernelTree(kernel ?? 'host', { offline })
    : kernelFor(runsOn, kernel, { offline });
}

import { UsageError } from '../../base/errors.js';
import type { Host } from '../../hosts/host/host.js';
import { here } from '../../hosts/host/local.js';
import type { Buildable } from '../../make/compile/buildable.js';
import type { FromSourceOptions } from '../../make/compile/from-source.js';
import { isolationRemark } from '../../make/compile/isolation.js';
import type { KernelTree } from '../../make/compile/kernel.js';
import { loadRecipe, select } from '../../make/recipe/load.js';
import type { SourceTree } from '../../make/source/fetch.js';
import { sourceRemark } from '../../make/source/unproven.js';
import { nodeOn, runsOwnCode, withOwnCode } from './own-code.js';
import type { Served } from './served.js';
import { checkSpec, type ExportSpec } from './spec.js';

export interface ProvideOptions
  extends Pick<FromSourceOptions, 'source' | 'offline' | 'unpinned' | 'onEvent'> {
  release?: string | undefined;
  /** That a kernel module is built for, as findKernelTree takes it. Default: the running one. */
  kernel?: string | undefined;
  /** Where it is to run: a module is built for the kernel of that host, and for no other. */
  runsOn?: Host | undefined;
  /** How it is to be exported: what the target can't do is refused before anything is fetched. */
  spec?: ExportSpec;
}

export interface Provided extends Served {
  tree: SourceTree;
  /** Names of the patches applied. */
  patches: string[];
  /** Whether the build was in the store. */
  cached: boolean;
  /** What whoever runs it should know of its source and its build, each a sentence. */
  remarks: string[];
}

/**
 * Brings an implementation to the point where it can be exported: fetches, patches and builds what is not in the store.
 * @throws UsageError where the target can't do what the spec asks for
 * @throws MissingError where this version can't run it, or something to build it is missing here
 * @throws UnreachableError if no location has the source
 */
export async function provide(implementation: string, options: ProvideOptions): Promise<Provided> {
  const buildable = await prepare(implementation, options);
  const { recipe, release, control } = buildable.selected;
  const { buildFromSource } = await import('../../make/compile/from-source.js');
  const { source, offline, unpinned, runsOn, onEvent } = options;
  const { tree, built } = await buildFromSource(buildable, { source, offline, unpinned, onEvent });
  const served: Served = {
    implementation: recipe.name,
    release: release.version,
    control,
    build: built.key,
    artifacts: built.artifacts,
  };
  return {
    ...(runsOwnCode(control) ? await withOwnCode(runsOn ?? here, served) : served),
    tree,
    patches: built.patches,
    cached: built.cached,
    remarks: [sourceRemark(tree), isolationRemark(built)].filter((text) => text !== undefined),
  };
}

/**
 * Whether `provide` can do its part by what is here, on the host and in the lists of packages: fetches and builds nothing.
 * Whether a location still has the source, and whether it compiles, only `provide` can tell.
 * @throws as `provide`
 */
export async function requireProvidable(
  implementation: string,
  options: Omit<ProvideOptions, 'onEvent'>,
): Promise<void> {
  const { source, offline, unpinned, runsOn } = options;
  const { selected, kernel, on } = await prepare(implementation, options, true);
  const { recipe, control } = selected;
  if (source !== undefined) (await import('../../make/source/user-copy.js')).requireOwn(source);
  // Of the store alone: what it has is no question to a location.
  if (offline) {
    const { fetchToBuild } = await import('../../make/source/fetch.js');
    await fetchToBuild(selected, { source, offline, unpinned });
  }
  if (runsOwnCode(control)) {
    if (runsOn !== undefined && !runsOn.isHere) await nodeOn(runsOn, recipe.name);
    return;
  }
  // A compiler that is there and can't be run.
  if (on !== undefined) await (await import('../../make/compile/elsewhere.js')).toolchainOn(on);
  else if (kernel?.root === undefined)
    await (await import('../../make/compile/toolchain.js')).findToolchain();
}

/**
 * What an implementation is built from, and where.
 * @param look download nothing for it
 */
async function prepare(implementation: string, options: ProvideOptions, look = false): Promise<Buildable> {
  const recipe = await loadRecipe(implementation);
  const selected = select(recipe, options.release);
  const isModule = recipe.kind === 'kernel module';
  if (!isModule && options.runsOn !== undefined && options.kernel !== undefined) {
    throw new UsageError({
      tried: `providing ${recipe.name} for the kernel ${options.kernel}`,
      happened: 'it is no kernel module, so that no kernel matters to its build',
      next: 'leave --kernel out',
    });
  }
  const { control, release } = selected;
  if (options.spec !== undefined) checkSpec(recipe.name, release.version, control, options.spec);
  // Loaded for modules alone: daemons have no use for Debian's kernels.
  const kernel = isModule ? await kernelOf(options, look) : undefined;
  const on = isModule ? kernel?.on : runsOwnCode(control) ? undefined : await builderFor(options.runsOn);
  const { Buildable } = await import('../../make/compile/buildable.js');
  return Buildable.check(selected, { kernel, on });
}

/** A host that programs built here do not run on builds them itself. */
async function builderFor(runsOn: Host | undefined): Promise<Host | undefined> {
  if (runsOn === undefined || runsOn.isHere) return undefined;
  const [{ findToolchain }, elsewhere] = await Promise.all([
    import('../../make/compile/toolchain.js'),
    import('../../make/compile/elsewhere.js'),
  ]);
  const toolchain = await findToolchain();
  return toolchain !== undefined && (await elsewhere.runsOn(runsOn, toolchain)) ? undefined : runsOn;
}

async function kernelOf({ kernel, runsOn, offline }: ProvideOptions, look: boolean): Promise<KernelTree> {
  const { findKernelTree, kernelFor } = await import('../../make/compile/kernel.js');
  return runsOn === undefined
    ? findKernelTree(kernel ?? 'host', { offline, look })
    : kernelFor(runsOn, kernel, { offline, look });
}

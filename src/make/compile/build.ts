import { join } from 'node:path';
import { MissingError } from '../../base/errors.js';
import type { Host } from '../../hosts/host/host.js';
import type { Facts } from '../patch/condition.js';
import type { SelectedRelease } from '../recipe/load.js';
import type { Requirement } from '../recipe/schema.js';
import { missingOn, toolchainOn } from './elsewhere.js';
import type { Isolation } from './isolation.js';
import type { KernelTree } from './kernel.js';
import { type BuildKey, type BuildTree, buildKey } from './key.js';
import type { BuildOptions } from './options.js';
import { missingFor } from './requirements.js';
import { type BuildRecord, buildFolder, findBuild, lockBuild } from './store.js';
import { findToolchain } from './toolchain.js';

export interface BuildResult {
  implementation: string;
  release: string;
  /** Release of the kernel that a module was built for. */
  kernel?: string;
  /** 64 hex digits that name tree, patches, toolchain and steps. */
  key: string;
  /** The build's folder in the store. */
  folder: string;
  artifacts: { name: string; path: string; sha256: string }[];
  /** Ids of the patches applied, in order. */
  patches: string[];
  cached: boolean;
  log: string;
  /** Milliseconds that the build took, when it was made. */
  duration: number;
  warnings: number;
  /** What kept its steps from the network; builds of earlier versions don't say it. */
  isolation?: Isolation;
}

/**
 * Patches and builds a source tree, or finds that build in the store.
 * @throws MissingError before anything starts, where this version can't build it or something is not here
 * @throws LabError with the compiler's first error and the name of the log
 */
export async function buildArtifacts(
  tree: BuildTree,
  selected: SelectedRelease,
  options: BuildOptions = {},
): Promise<BuildResult> {
  const { force, kernel, on, onEvent } = options;
  await refuseUnbuildable(selected, kernel, on);
  // A kernel's own tools are named by its digest.
  const toolchain =
    kernel?.root !== undefined ? undefined : on ? await toolchainOn(on) : await findToolchain(options.host);
  const facts: Omit<Facts, 'release'> = {
    ...(kernel === undefined ? {} : { kernel: kernel.release }),
    ...(toolchain === undefined ? {} : { compiler: toolchain.version, libc: toolchain.libc }),
  };
  const named = buildKey(tree, selected, toolchain, facts, kernel, on !== undefined);
  const hit = (): BuildResult | undefined => {
    const record = force ? undefined : findBuild(named.key);
    if (record === undefined) return undefined;
    onEvent?.({ kind: 'build-cached', key: named.key });
    return resultOf(record, true);
  };
  const early = hit();
  if (early !== undefined) return early;
  const host = options.host ?? (await import('../../hosts/host/local.js')).here;
  const lock = await lockBuild(host, named.key, () => onEvent?.({ kind: 'build-waiting', key: named.key }));
  try {
    return hit() ?? (await make(tree, selected, named, facts, { ...options, host }));
  } finally {
    await lock.release();
  }
}

async function make(
  tree: BuildTree,
  selected: SelectedRelease,
  named: BuildKey,
  facts: Omit<Facts, 'release'>,
  options: BuildOptions & { host: Host },
): Promise<BuildResult> {
  const { makeBuild } = await import('./make.js');
  const record = await makeBuild(tree, selected, named, facts, options);
  return resultOf(record, false);
}

function resultOf(record: BuildRecord, cached: boolean): BuildResult {
  const { implementation, release, kernel, key, patches, duration, warnings, isolation } = record;
  const folder = buildFolder(key);
  return {
    implementation,
    release,
    ...(kernel === undefined ? {} : { kernel }),
    key,
    folder,
    artifacts: record.artifacts.map(({ name, sha256 }) => ({
      name,
      path: join(folder, 'artifacts', name),
      sha256,
    })),
    patches,
    cached,
    log: join(folder, 'build.log'),
    duration,
    warnings,
    ...(isolation === undefined ? {} : { isolation }),
  };
}

/** A kernel of Debian's brings compiler and make. */
const ROOT_TOOLS: Requirement[] = [{ command: 'bwrap', debian: 'bubblewrap' }];

/** What a build needs on this machine. */
export function requirementsOf(selected: SelectedRelease, kernel?: KernelTree): Requirement[] {
  return kernel?.root === undefined ? selected.build.requires : ROOT_TOOLS;
}

/**
 * @param on where it is to be built; undefined: here
 * @throws MissingError where this version can't build it, or something that the build requires is not there
 */
export async function refuseUnbuildable(
  selected: SelectedRelease,
  kernel?: KernelTree,
  on?: Host,
): Promise<void> {
  const { recipe, release } = selected;
  const tried = `building ${recipe.name} ${release.version}`;
  if (release.unavailable !== undefined) {
    const named = `${recipe.name} --release ${release.version}`;
    throw new MissingError({
      tried,
      happened: release.unavailable,
      next:
        release.script === undefined
          ? `\`aoe-lab patch ${named} --output DIR\` gives the patched tree, to be built by hand`
          : `\`aoe-lab export --impl ${named} … --dry-run\` prints the steps as a script for that system`,
      missing: [recipe.name],
    });
  }
  if (recipe.kind === 'kernel module' && kernel === undefined) {
    throw new MissingError({
      tried,
      happened: 'nothing says for which kernel',
      next: `\`aoe-lab build ${recipe.name} --kernel 6.1\``,
      missing: ['a kernel'],
    });
  }
  const requires = requirementsOf(selected, kernel);
  const missing = on === undefined ? missingFor(requires) : await missingOn(on, requires);
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map(({ debian }) => debian))].join(' ');
  throw new MissingError({
    tried,
    happened: `missing ${on === undefined ? 'here' : `on ${on.name}`}: ${missing.map(({ kind, name }) => `${kind} ${name}`).join(', ')}`,
    next:
      on === undefined
        ? `apt-get install --no-install-recommends ${packages}`
        : `aoe-lab host prepare ${on.name} --install brings what Debian calls ${packages}`,
    missing: missing.map(({ name }) => name),
  });
}

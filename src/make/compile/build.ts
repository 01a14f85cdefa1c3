import { join } from 'node:path';
import type { Host } from '../../hosts/host/host.js';
import type { Facts } from '../patch/condition.js';
import type { Buildable } from './buildable.js';
import { toolchainOn } from './elsewhere.js';
import type { Isolation } from './isolation.js';
import { type BuildKey, type BuildTree, buildKey } from './key.js';
import type { BuildOptions } from './options.js';
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
 * @throws LabError with the compiler's first error and the name of the log
 */
export async function buildArtifacts(
  tree: BuildTree,
  buildable: Buildable,
  options: BuildOptions = {},
): Promise<BuildResult> {
  const { selected, kernel, on } = buildable;
  const { force, onEvent } = options;
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
    return hit() ?? (await make(tree, buildable, named, facts, { ...options, host }));
  } finally {
    await lock.release();
  }
}

async function make(
  tree: BuildTree,
  buildable: Buildable,
  named: BuildKey,
  facts: Omit<Facts, 'release'>,
  options: BuildOptions & { host: Host },
): Promise<BuildResult> {
  const { makeBuild } = await import('./make.js');
  const record = await makeBuild(tree, buildable, named, facts, options);
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

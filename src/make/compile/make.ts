/** A build that is not in the store: patch, run the steps, keep artifacts and log. Loaded only when there is one to make. */

import { appendFile, copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { digestOfFile } from '../../base/digest.js';
import { LabError, linesOf } from '../../base/errors.js';
import { cacheFolder } from '../../base/files/paths.js';
import type { Host } from '../../hosts/host/host.js';
import { applyPatches } from '../patch/apply.js';
import type { Facts } from '../patch/condition.js';
import { planPatches } from '../patch/plan.js';
import type { Build } from '../recipe/schema.js';
import type { Buildable } from './buildable.js';
import type { BuildKey, BuildTree } from './key.js';
import type { BuildOptions } from './options.js';
import { compilerWords } from './requirements.js';
import { type Site, siteHere, siteOn } from './site.js';
import { runSteps } from './steps.js';
import { type BuildRecord, makeWorkFolder, publishBuild, removeRests } from './store.js';

/**
 * Makes a build and puts it into the store. The lock of its key is held.
 * @throws LabError if a patch does not fit, a step fails or an artifact did not come out
 */
export async function makeBuild(
  tree: BuildTree,
  { selected, kernel, on }: Buildable,
  { key, patches }: BuildKey,
  facts: Omit<Facts, 'release'>,
  options: BuildOptions & { host: Host },
): Promise<BuildRecord> {
  const { recipe, release } = selected;
  const { host, onEvent } = options;
  const { build } = selected;
  const started = performance.now();
  await removeRests(host, key);
  const work = await makeWorkFolder(key);
  const folder = join(work, 'tree');
  const finished = join(work, 'finished');
  const log = join(finished, 'build.log');
  const site =
    on === undefined ? siteHere(host, folder, kernel) : siteOn(on, folder, key.slice(0, 12), kernel);
  try {
    onEvent?.({ kind: 'build-patching', patches });
    await applyPatches(await planPatches(selected, tree.folder, facts), folder);
    await mkdir(join(finished, 'artifacts'), { recursive: true });
    await writeFile(log, `${recipe.name} ${release.version}, build ${key}\n`);
    const isolation = await site.open();
    await appendFile(
      log,
      `network: ${isolation === 'none' ? 'within reach of the steps' : `none (${isolation})`}\n`,
    );
    const warnings = await runSteps(build, {
      site,
      variables: {
        implementation: recipe.name,
        release: release.version,
        jobs: options.jobs ?? (on === undefined ? availableParallelism() : await processorsOf(on)),
        folder: site.folder,
        compiler: on === undefined ? compilerWords().join(' ') : 'gcc',
        ...(kernel === undefined ? {} : { headers: kernel.headers }),
        ...(kernel?.compiler === undefined ? {} : { moduleCompiler: kernel.compiler }),
      },
      log,
      signal: options.signal,
      onStep: (command, index, total) => onEvent?.({ kind: 'build-step', command, index, total }),
    });
    const artifacts = await collect(build, site, join(finished, 'artifacts'), recipe.name);
    const duration = Math.round(performance.now() - started);
    const record: BuildRecord = {
      implementation: recipe.name,
      release: release.version,
      ...(kernel === undefined ? {} : { kernel: kernel.release }),
      key,
      tree: tree.digest,
      patches,
      artifacts,
      duration,
      warnings,
      isolation,
    };
    await writeFile(join(finished, 'build.json'), `${JSON.stringify(record, null, 2)}\n`);
    await publishBuild(finished, key);
    onEvent?.({ kind: 'built', key, duration, warnings });
    return record;
  } catch (error) {
    throw await withLog(error, log, `${recipe.name}-${release.version}-${key.slice(0, 12)}.log`);
  } finally {
    // A host that is gone can't be cleaned; the next build of this name does it.
    await site.close().catch(() => {});
    await rm(work, { recursive: true, force: true });
  }
}

async function collect(
  build: Build,
  site: Site,
  destination: string,
  implementation: string,
): Promise<BuildRecord['artifacts']> {
  const artifacts: BuildRecord['artifacts'] = [];
  for (const { name, path } of build.artifacts) {
    const to = join(destination, name);
    await mkdir(dirname(to), { recursive: true });
    if (!(await site.collect(path, to))) {
      throw new LabError({
        tried: `building ${implementation}`,
        happened: `all steps ended well, but there is no file ${path} afterwards`,
        next: "compare the recipe's artifacts with what its steps make",
      });
    }
    artifacts.push({ name, sha256: await digestOfFile(to) });
  }
  return artifacts;
}

async function processorsOf(host: Host): Promise<number> {
  const { stdout } = await host.run(['nproc'], { accept: [127] });
  return Number(stdout) || 1;
}

/** Keeps the log of a failed build, and names it in the error. */
async function withLog(error: unknown, log: string, name: string): Promise<unknown> {
  const kept = join(cacheFolder(), 'logs', name);
  try {
    await mkdir(dirname(kept), { recursive: true });
    await copyFile(log, kept);
  } catch {
    return error;
  }
  return error instanceof LabError && error.name === 'LabError'
    ? new LabError({ ...error.facts, happened: linesOf(error.facts.happened), log: kept })
    : error;
}

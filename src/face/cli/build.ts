import type { Command } from 'commander';
import { UsageError } from '../../base/errors.js';
import type { Host } from '../../hosts/host/host.js';
import { quote } from '../../hosts/host/quote.js';
import type { BuildResult } from '../../make/compile/build.js';
import type { BuiltFromSource } from '../../make/compile/from-source.js';
import { isolationRemark } from '../../make/compile/isolation.js';
import type { BuildEvent } from '../../make/compile/options.js';
import type { SelectedRelease } from '../../make/recipe/load.js';
import type { Recipe } from '../../make/recipe/schema.js';
import type { SourceEvent, SourceTree } from '../../make/source/fetch.js';
import { sourceRemark } from '../../make/source/unproven.js';
import { line } from '../ui/colors.js';
import { type HostOptions, hostOptions, onHosts } from './hosts.js';
import { UNPINNED, whole } from './options.js';

interface Options extends HostOptions {
  release?: string;
  source?: string;
  offline?: boolean;
  unpinned?: boolean;
  force?: boolean;
  jobs?: number;
  kernel?: string;
  allKernels?: boolean;
  dkms?: true | string;
}

export function register(program: Command): void {
  const command = program
    .command('build')
    .description('fetch, patch and build an implementation, unless the store has that build')
    .argument('<IMPL>', 'implementation, see aoe-lab list')
    .option('--release <VERSION>', 'release of the implementation')
    .option('--source <WHERE>', 'your copy of the source: a folder, an archive or a URL')
    .option('--offline', 'use only what the store has')
    .option(...UNPINNED)
    .option('--force', 'build again although the store has it')
    .option('--jobs <N>', 'jobs of make (default: the number of processors)', whole(1, 1024))
    .option(
      '--kernel <KERNEL>',
      'for a module: host (default), a folder with headers, an installed kernel (as in /lib/modules), 5.10, 6.1, 6.12, unstable, or SUITE/VERSION',
    )
    .option('--all-kernels', 'for a module: 5.10, 6.1, 6.12 and unstable, at the same time')
    .option(
      '--dkms [DIR]',
      'for a module: write the patched tree and a dkms.conf (to ./IMPL-RELEASE), build nothing',
    );
  hostOptions(command)
    .option('--json', 'print JSON')
    .action(async (impl: string, options: Options) => {
      const { select, loadRecipe } = await import('../../make/recipe/load.js');
      const recipe = await loadRecipe(impl);
      const selected = select(recipe, options.release);
      checkUse(recipe, options);
      if (options.dkms !== undefined) return writeForDkms(selected, options);
      if (options.allKernels) return buildForAll(selected, options);
      await onHosts(
        options,
        (host) => buildOne(selected, options, options.kernel, host),
        ({ built, tree }) => summary(built, tree),
        ({ built, tree }) => asJson(built, tree),
      );
    });
}

function checkUse(recipe: Recipe, { kernel, allKernels, dkms, host }: Options): void {
  if (host !== undefined && (allKernels || dkms !== undefined)) {
    throw new UsageError({
      tried: `building ${recipe.name} on ${host.join(', ')}`,
      happened: `--${allKernels ? 'all-kernels' : 'dkms'} is done here, whatever the host`,
      next: 'leave --host out',
    });
  }
  if (kernel === undefined && !allKernels) return;
  const happened =
    recipe.kind !== 'kernel module'
      ? 'it is no kernel module, so that no kernel matters to its build'
      : kernel !== undefined && allKernels
        ? '--kernel and --all-kernels contradict each other'
        : dkms !== undefined
          ? 'what --dkms writes is for all kernels of the port'
          : undefined;
  if (happened !== undefined) {
    throw new UsageError({ tried: `building ${recipe.name}`, happened, next: 'leave one of them out' });
  }
}

async function writeForDkms(selected: SelectedRelease, options: Options): Promise<void> {
  const { recipe, release } = selected;
  const [{ fetchToBuild }, { writeDkmsTree }, { print }, { resolve }] = await Promise.all([
    import('../../make/source/fetch.js'),
    import('../../make/compile/dkms.js'),
    import('../ui/output.js'),
    import('node:path'),
  ]);
  const { source, offline, unpinned, dkms } = options;
  const folder = resolve(dkms === true || dkms === undefined ? `${recipe.name}-${release.version}` : dkms);
  const tree = await fetchToBuild(selected, {
    source,
    offline,
    unpinned,
  });
  const written = await writeDkmsTree(tree, selected, folder);
  const { name, version, patches } = written;
  print({ ...written, source: sourceAsJson(tree) }, options, () =>
    [
      line`${name} ${version} for DKMS: ${folder}`,
      sourceLine(tree),
      ...(patches.length > 0 ? [line`patches: ${patches.join(', ')}`] : []),
      `as root: dkms add ${quote(folder)} && dkms install ${name}/${version}`,
    ].join('\n'),
  );
}

async function buildOne(
  selected: SelectedRelease,
  { source, offline, unpinned, force, jobs }: Options,
  kernelName: string | undefined,
  host?: Host,
): Promise<BuiltFromSource> {
  const [{ Buildable }, { buildFromSource }, { findKernelTree, kernelOn }, { note }] = await Promise.all([
    import('../../make/compile/buildable.js'),
    import('../../make/compile/from-source.js'),
    import('../../make/compile/kernel.js'),
    import('../ui/output.js'),
  ]);
  const on = host?.isHere ? undefined : host;
  const kernelThere = () =>
    on === undefined ? findKernelTree(kernelName ?? 'host', { offline }) : kernelOn(on, kernelName);
  const kernel = selected.recipe.kind === 'kernel module' ? await kernelThere() : undefined;
  const buildable = await Buildable.check(selected, { kernel, on });
  const prefix = kernel === undefined ? '' : `${kernel.release}: `;
  const onEvent = (event: SourceEvent | BuildEvent): void => {
    const text = describe(event);
    if (text !== undefined) note(prefix + text);
  };
  return buildFromSource(buildable, { source, offline, unpinned, force, jobs, onEvent });
}

/** Each kernel for itself: that one fails does not keep the others from being built. */
async function buildForAll(selected: SelectedRelease, options: Options): Promise<void> {
  const [{ KERNELS }, { describeError, errorAsJson, exitCodeOf }, { print, note }, { table }] =
    await Promise.all([
      import('../../make/debian/kernels.js'),
      import('../ui/errors.js'),
      import('../ui/output.js'),
      import('../ui/table.js'),
    ]);
  const names = KERNELS.map(({ name }) => name);
  const outcomes = await Promise.allSettled(names.map((name) => buildOne(selected, options, name)));
  const results = outcomes.map((outcome, i) => {
    const name = names[i] as string;
    if (outcome.status === 'rejected') return { name, ...errorAsJson(outcome.reason) };
    return { name, ...asJson(outcome.value.built, outcome.value.tree) };
  });
  print(results, options, () =>
    table(
      ['KERNEL', 'RELEASE', 'RESULT', 'WARNINGS'],
      outcomes.map((outcome, i) => {
        const name = names[i] as string;
        if (outcome.status === 'rejected') return [name, '', 'failed', ''];
        const { kernel = '', artifacts, warnings } = outcome.value.built;
        return [name, kernel, artifacts.map(({ path }) => path).join(' '), String(warnings)];
      }),
    ),
  );
  const failed = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
  for (const error of failed) note(describeError(error, false));
  if (failed.length > 0) process.exitCode = exitCodeOf(failed[0]);
}

function describe(event: SourceEvent | BuildEvent): string | undefined {
  switch (event.kind) {
    case 'build-waiting':
      return 'another aoe-lab builds the same; waiting for it';
    case 'build-patching':
      return event.patches.length === 0 ? undefined : `patches to apply: ${event.patches.length}`;
    case 'build-step':
      return line`step ${event.index} of ${event.total}: ${event.command}`;
    default:
      return undefined;
  }
}

function asJson(built: BuildResult, tree: SourceTree): object {
  const { implementation, release, kernel, artifacts, patches, cached, key, log, duration, warnings } = built;
  const { isolation } = built;
  return {
    implementation,
    release,
    ...(kernel === undefined ? {} : { kernel }),
    artifacts: artifacts.map(({ path }) => path),
    patches,
    cached,
    source: sourceAsJson(tree),
    isolation: isolation ?? null,
    key,
    log,
    duration,
    warnings,
  };
}

function sourceAsJson({ digest, location, pinned, unproven }: SourceTree): object {
  return { digest, location, pinned, unproven };
}

function sourceLine(tree: SourceTree): string {
  return line`source: ${sourceRemark(tree) ?? tree.location}`;
}

function summary(built: BuildResult, tree: SourceTree): string {
  const seconds = (built.duration / 1000).toFixed(1);
  const how = built.cached
    ? `was in the store (${seconds} s when it was built)`
    : `built in ${seconds} s, ${built.warnings} warnings`;
  const unsealed = isolationRemark(built);
  return [
    line`${built.implementation} ${built.release}${built.kernel === undefined ? '' : ` for Linux ${built.kernel}`}: ${how}`,
    sourceLine(tree),
    ...(unsealed === undefined ? [] : [line`warning: ${unsealed}`]),
    ...(built.patches.length > 0 ? [line`patches: ${built.patches.join(', ')}`] : []),
    ...built.artifacts.map(({ path }) => line`${path}`),
    line`log: ${built.log}`,
  ].join('\n');
}

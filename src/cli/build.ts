import type { Command } from 'commander';
import type { BuildEvent, BuildResult } from '../build/build.js';
import type { SourceTree } from '../source/fetch.js';
import { integer } from './options.js';

interface Options {
  release?: string;
  source?: string;
  offline?: boolean;
  force?: boolean;
  jobs?: number;
  json?: boolean;
}

export function register(program: Command): void {
  program
    .command('build')
    .description('fetch, patch and build an implementation, unless the store has that build')
    .argument('<IMPL>', 'implementation, see aoe-lab list')
    .option('--release <VERSION>', 'release of the implementation')
    .option('--source <WHERE>', 'your copy of the source: a folder, an archive or a URL')
    .option('--offline', 'use only what the store has')
    .option('--force', 'build again although the store has it')
    .option('--jobs <N>', 'jobs of make; the number of processors otherwise', integer)
    .option('--json', 'print JSON')
    .action(async (impl: string, options: Options) => {
      const [
        { findRelease, loadRecipe },
        { fetchSource },
        { buildArtifacts, refuseUnbuildable },
        { print, note },
      ] = await Promise.all([
        import('../recipe/load.js'),
        import('../source/fetch.js'),
        import('../build/build.js'),
        import('../ui/output.js'),
      ]);
      const recipe = await loadRecipe(impl);
      const release = findRelease(recipe, options.release);
      // Before anything is fetched.
      refuseUnbuildable(recipe, release);
      const { source, offline, force, jobs } = options;
      const tree = await fetchSource(recipe, release, {
        ...(source === undefined ? {} : { source }),
        ...(offline === undefined ? {} : { offline }),
      });
      const onEvent = (event: BuildEvent): void => {
        const text = describe(event);
        if (text !== undefined) note(text);
      };
      const built = await buildArtifacts(tree, recipe, release, { force, jobs, onEvent });
      print(asJson(built, tree), options, () => summary(built, tree));
    });
}

function describe(event: BuildEvent): string | undefined {
  switch (event.kind) {
    case 'build-waiting':
      return 'another aoe-lab builds the same; waiting for it';
    case 'build-patching':
      return event.patches.length === 0 ? undefined : `patches to apply: ${event.patches.length}`;
    case 'build-step':
      return `step ${event.index} of ${event.total}: ${event.command}`;
    default:
      return undefined;
  }
}

function asJson(built: BuildResult, tree: SourceTree): object {
  const { implementation, release, artifacts, patches, cached, key, log, duration, warnings } = built;
  return {
    implementation,
    release,
    artifacts: artifacts.map(({ path }) => path),
    patches,
    cached,
    source: { digest: tree.digest, location: tree.location, pinned: tree.pinned },
    key,
    log,
    duration,
    warnings,
  };
}

function summary(built: BuildResult, tree: SourceTree): string {
  const seconds = (built.duration / 1000).toFixed(1);
  const how = built.cached
    ? `was in the store (${seconds} s when it was built)`
    : `built in ${seconds} s, ${built.warnings} warnings`;
  return [
    `${built.implementation} ${built.release}: ${how}`,
    `source: ${tree.location}${tree.pinned === 'differs' ? ', which differs from the pinned tree' : ''}`,
    ...(built.patches.length > 0 ? [`patches: ${built.patches.join(', ')}`] : []),
    ...built.artifacts.map(({ path }) => path),
    `log: ${built.log}`,
  ].join('\n');
}

import type { Command } from 'commander';
import type { SourceEvent, SourceTree } from '../../make/source/fetch.js';
import { line } from '../ui/colors.js';

interface Options {
  release?: string;
  source?: string;
  offline?: boolean;
  json?: boolean;
}

export function register(program: Command): void {
  program
    .command('fetch')
    .description('fetch the source of an implementation into the store and check it')
    .argument('<IMPL>', 'implementation, see aoe-lab list')
    .option('--release <VERSION>', 'release of the implementation')
    .option('--source <WHERE>', 'your copy of the source: a folder, an archive or a URL')
    .option('--offline', 'use only what the store has')
    .option('--json', 'print JSON')
    .action(async (impl: string, options: Options) => {
      const [{ select, loadRecipe }, { fetchSource }, { print, note }, { progress }] = await Promise.all([
        import('../../make/recipe/load.js'),
        import('../../make/source/fetch.js'),
        import('../ui/output.js'),
        import('../ui/progress.js'),
      ]);
      const recipe = await loadRecipe(impl);
      const selected = select(recipe, options.release);
      const { source, offline } = options;
      let bar: ReturnType<typeof progress> | undefined;
      const onEvent = (event: SourceEvent): void => {
        if (event.kind === 'progress') {
          if (event.total === undefined) return;
          bar ??= progress(event.total, 'downloading');
          bar.update(event.done);
          return;
        }
        bar?.end();
        bar = undefined;
        const text = describe(event);
        if (text !== undefined) note(text);
      };
      const tree = await fetchSource(selected, { source, offline, onEvent });
      print(tree, options, () => summary(tree));
    });
}

function describe(event: Exclude<SourceEvent, { kind: 'progress' }>): string | undefined {
  switch (event.kind) {
    case 'trying':
      return line`trying ${event.location}${event.state === 'gone' ? ' (known to be gone)' : ''}`;
    case 'resumed':
      return `going on after ${event.offset} bytes`;
    case 'failed':
      return line`  failed: ${event.reason}`;
    case 'verified':
      return line`the ${event.by} has the pinned digest`;
    case 'differs':
      return line`note: this is not the pinned tree (${event.expected.join(' or ')}); it is used as it is`;
    case 'discarded':
      return line`removed from the store: ${event.path}, because ${event.reason}`;
    default:
      return undefined;
  }
}

const PINNED: Readonly<Record<SourceTree['pinned'], string>> = {
  archive: 'the archive has the pinned digest',
  tree: 'the tree has the pinned digest',
  none: 'no digest is pinned',
  differs: 'differs from the pinned tree',
};

function summary(tree: SourceTree): string {
  const { implementation, release, location, archive, digest, pinned, expected, folder, cached } = tree;
  return [
    line`${implementation} ${release}${cached ? ' (was in the store)' : ''}`,
    line`from     ${location}`,
    ...(archive ? [line`archive  sha256 ${archive.sha256} (${archive.name}, ${archive.size} bytes)`] : []),
    line`tree     sha256 ${digest}`,
    line`pinned   ${PINNED[pinned]}${expected ? ` (${expected.join(' or ')})` : ''}`,
    line`folder   ${folder}`,
  ].join('\n');
}

import { type Command, Option } from 'commander';
import { UsageError } from '../../base/errors.js';
import type { DemoReport, DemoStep } from '../../prove/demo/demo.js';
import type { SocketDemoReport } from '../../prove/demo/demo-socket.js';
import { line } from '../ui/colors.js';
import { UNPINNED, wireMtu } from './options.js';
import { cleanedUp } from './signals.js';

interface Options {
  impl: string;
  release?: string;
  source?: string;
  offline?: boolean;
  unpinned?: boolean;
  size: string;
  mtu: number;
  socket?: boolean;
  inPlace?: boolean;
  json?: boolean;
}

/** What can be run as a demo. */
interface Story {
  steps(): DemoStep[];
  report(): DemoReport | SocketDemoReport;
  cleanUp(): Promise<void>;
}

export function register(program: Command): void {
  program
    .command('demo')
    .description(
      'the whole way, on a private wire: source, build, export, discovery, data written, read back, compared',
    )
    .option('--impl <IMPL>', 'implementation', 'vblade')
    .option('--release <VERSION>', 'release of the implementation')
    .option('--source <WHERE>', 'your copy of the source: a folder, an archive or a URL')
    .option('--offline', 'use only what the store has')
    .option(...UNPINNED)
    .option('--size <SIZE>', 'data written and read back', '64M')
    .option('--mtu <BYTES>', 'of the wire', wireMtu, 9000)
    .option(
      '--socket',
      'with the native target over a socket between two processes: needs neither root nor a compiler',
    )
    .addOption(new Option('--in-place', 'use the network namespace of this process').hideHelp())
    .option('--json', 'print JSON')
    .action(async (options: Options, command: Command) => {
      const [{ here }, { note }, { parseSize }, { obstacleToWire }, { MissingError, UnreachableError }] =
        await Promise.all([
          import('../../hosts/host/local.js'),
          import('../ui/output.js'),
          import('../../base/units.js'),
          import('../../prove/demo/demo-obstacle.js'),
          import('../../base/errors.js'),
        ]);
      const bytes = sectors(parseSize(options.size));
      const { inPlace = false, mtu } = options;
      if (options.socket) return overSocket(bytes, options);
      const obstacle = await obstacleToWire(here, inPlace);
      // Who asks for an implementation, or brings its source, wants that one and no other.
      const isFree =
        !inPlace &&
        ['impl', 'release', 'source'].every((name) => command.getOptionValueSource(name) !== 'cli');
      if (obstacle !== undefined && isFree) {
        note(line`${obstacle}: the same story with the native target, over a socket between two processes`);
        return overSocket(bytes, options);
      }
      try {
        if ((await here.facts()).uid !== 0) {
          const [{ asUser }, { provide }] = await Promise.all([
            import('../../prove/testbed/as-user.js'),
            import('../../serve/exports/provide.js'),
          ]);
          const prepare = () => provide(options.impl, options);
          process.exitCode = await asUser(here, prepare, process.argv.slice(1));
          return;
        }
        const { Demo } = await import('../../prove/demo/demo.js');
        const { impl: implementation, release, source, offline, unpinned } = options;
        await tell(
          new Demo(here, { implementation, release, source, offline, unpinned, bytes, mtu, inPlace }),
          options,
        );
      } catch (error) {
        if (!isFree || !(error instanceof MissingError || error instanceof UnreachableError)) throw error;
        const [reason] = error.facts.happened.split('\n');
        note(
          line`${options.impl} can not be had here (${reason}): the same story with the native target, over a socket between two processes`,
        );
        await overSocket(bytes, options);
      }
    });
}

/** @throws UsageError for what is no whole number of sectors, or none at all */
function sectors(bytes: number): number {
  if (bytes > 0 && bytes % 512 === 0) return bytes;
  throw new UsageError({
    tried: `taking ${bytes} bytes for the demo`,
    happened:
      bytes === 0
        ? 'there would be nothing to write and read back'
        : 'a device has whole sectors of 512 bytes',
    next: `take a multiple of 512, such as ${Math.max(1, Math.floor(bytes / 512)) * 512}`,
  });
}

async function overSocket(bytes: number, options: Options): Promise<void> {
  const { SocketDemo } = await import('../../prove/demo/demo-socket.js');
  await tell(new SocketDemo(bytes, options.mtu), options);
}

/** Runs a story, prints what it found, and takes its things away however it ends, by a signal too. */
async function tell(story: Story, options: Options): Promise<void> {
  const [{ print }, { runSteps }] = await Promise.all([import('../ui/output.js'), import('../ui/tasks.js')]);
  await cleanedUp(story, async () => {
    await runSteps(story.steps(), false);
    const report = story.report();
    const { describeDemo } = await import('../ui/demo.js');
    print(report, options, () => describeDemo(report));
  });
}

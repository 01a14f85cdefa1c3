import { type Command, Option } from 'commander';
import type { Demo, DemoReport } from '../verify/demo.js';
import { integer } from './options.js';

interface Options {
  impl: string;
  release?: string;
  source?: string;
  offline?: boolean;
  size: string;
  mtu: number;
  inPlace?: boolean;
  json?: boolean;
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
    .option('--size <SIZE>', 'data written and read back', '64M')
    .option('--mtu <BYTES>', 'of the wire', integer, 9000)
    .addOption(new Option('--in-place', 'use the network namespace of this process').hideHelp())
    .option('--json', 'print JSON')
    .action(async (options: Options) => {
      const [{ Demo }, { here }, { print }, { runSteps }, { parseSize }] = await Promise.all([
        import('../verify/demo.js'),
        import('../host/local.js'),
        import('../ui/output.js'),
        import('../ui/tasks.js'),
        import('../units.js'),
      ]);
      if ((await here.facts()).uid !== 0) {
        const { demoAsUser } = await import('../verify/demo-as-user.js');
        process.exitCode = await demoAsUser(here, options.impl, options, process.argv.slice(1));
        return;
      }
      const bytes = parseSize(options.size);
      const demo = new Demo(here, {
        implementation: options.impl,
        release: options.release,
        source: options.source,
        offline: options.offline,
        bytes,
        mtu: options.mtu,
        inPlace: options.inPlace ?? false,
      });
      await cleanedUp(demo, async () => {
        await runSteps(demo.steps(), false);
        const report = demo.report();
        const { describeDemo } = await import('../ui/demo.js');
        print(report, options, () => describeDemo(report as DemoReport));
      });
    });
}

/** Runs a job and takes the demo's things away however it ends, by a signal too. */
async function cleanedUp(demo: Demo, job: () => Promise<void>): Promise<void> {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const stop = (signal: NodeJS.Signals): void => {
    void demo.cleanUp().finally(() => process.kill(process.pid, signal));
  };
  for (const signal of signals) process.once(signal, stop);
  try {
    await job();
  } finally {
    await demo.cleanUp();
    for (const signal of signals) process.off(signal, stop);
  }
}

import type { Command } from 'commander';
import { UsageError } from '../errors.js';
import { type HostOptions, hostOptions, nameOf, onHosts } from './hosts.js';

interface Options extends HostOptions {
  all?: boolean;
}

export function register(program: Command): void {
  const command = program
    .command('restart')
    .description('restart exports, or bring back those that died or did not survive a reboot')
    .argument('[EXPORT...]', 'such as e0.1')
    .option('--all', 'every export of the host');
  hostOptions(command)
    .option('--json', 'print JSON')
    .action(async (names: string[], options: Options) => {
      if (names.length === 0 && !options.all) {
        throw new UsageError({
          tried: 'restarting exports',
          happened: 'none was named',
          next: 'name them (aoe-lab status shows them), or give --all',
        });
      }
      const [{ restartTargets }, { noteRecovery }] = await Promise.all([
        import('../target/restart.js'),
        import('../ui/recovery.js'),
      ]);
      await onHosts(
        options,
        async (host) => {
          const report = await restartTargets(host, options.all ? undefined : names);
          noteRecovery(report.recovery, nameOf(host));
          return report;
        },
        ({ restarted }) =>
          restarted.length === 0
            ? 'nothing is exported'
            : restarted.map(({ id, pids }) => `restarted ${id} (process ${pids.join(' ')})`).join('\n'),
      );
    });
}

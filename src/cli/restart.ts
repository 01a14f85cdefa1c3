import type { Command } from 'commander';
import { UsageError } from '../errors.js';

export function register(program: Command): void {
  program
    .command('restart')
    .description('restart exports, or bring back those that died or did not survive a reboot')
    .argument('[EXPORT...]', 'such as e0.1')
    .option('--all', 'every export of this host')
    .option('--json', 'print JSON')
    .action(async (names: string[], options: { all?: boolean; json?: boolean }) => {
      if (names.length === 0 && !options.all) {
        throw new UsageError({
          tried: 'restarting exports',
          happened: 'none was named',
          next: 'name them (aoe-lab status shows them), or give --all',
        });
      }
      const [{ restartTargets }, { here }, { print }, { noteRecovery }] = await Promise.all([
        import('../target/restart.js'),
        import('../host/local.js'),
        import('../ui/output.js'),
        import('../ui/recovery.js'),
      ]);
      const report = await restartTargets(here, options.all ? undefined : names);
      noteRecovery(report.recovery);
      print(report, options, () =>
        report.restarted.length === 0
          ? 'nothing is exported'
          : report.restarted.map(({ id, pids }) => `restarted ${id} (process ${pids.join(' ')})`).join('\n'),
      );
    });
}

import type { Command } from 'commander';
import { UsageError } from '../errors.js';

interface Options {
  all?: boolean;
  removeFile?: boolean;
  json?: boolean;
}

export function register(program: Command): void {
  program
    .command('unexport')
    .description('end exports and remove what was made for them')
    .argument('[EXPORT...]', 'such as e0.1, or e0.1@eth0 where several interfaces serve it')
    .option('--all', 'every export of this host')
    .option('--remove-file', 'remove the file that the export made even where it holds data')
    .option('--json', 'print JSON')
    .action(async (names: string[], options: Options) => {
      if (names.length === 0 && !options.all) {
        throw new UsageError({
          tried: 'ending exports',
          happened: 'none was named',
          next: 'name them (aoe-lab status shows them), or give --all',
        });
      }
      const [{ unexportTargets }, { here }, { print }, { noteRecovery }] = await Promise.all([
        import('../target/unexport.js'),
        import('../host/local.js'),
        import('../ui/output.js'),
        import('../ui/recovery.js'),
      ]);
      const report = await unexportTargets(
        here,
        options.all ? undefined : names,
        options.removeFile ?? false,
      );
      noteRecovery(report.recovery);
      print(report, options, () => {
        if (report.unexported.length === 0) return 'nothing was exported';
        return report.unexported
          .map(({ id, file, path }) => {
            const rest =
              file === 'removed'
                ? ` and removed ${path}`
                : file === 'kept'
                  ? `; ${path} holds data and was kept (--remove-file removes it)`
                  : '';
            return `unexported ${id}${rest}`;
          })
          .join('\n');
      });
    });
}

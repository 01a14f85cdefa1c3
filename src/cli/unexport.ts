import type { Command } from 'commander';
import { UsageError } from '../errors.js';
import type { UnexportReport } from '../target/unexport.js';
import { type HostOptions, hostOptions, nameOf, onHosts } from './hosts.js';

interface Options extends HostOptions {
  all?: boolean;
  removeFile?: boolean;
}

export function register(program: Command): void {
  const command = program
    .command('unexport')
    .description('end exports and remove what was made for them')
    .argument('[EXPORT...]', 'such as e0.1, or e0.1@eth0 where several interfaces serve it')
    .option('--all', 'every export of the host')
    .option('--remove-file', 'remove the file that the export made even where it holds data');
  hostOptions(command)
    .option('--json', 'print JSON')
    .action(async (names: string[], options: Options) => {
      if (names.length === 0 && !options.all) {
        throw new UsageError({
          tried: 'ending exports',
          happened: 'none was named',
          next: 'name them (aoe-lab status shows them), or give --all',
        });
      }
      const [{ unexportTargets }, { noteRecovery }] = await Promise.all([
        import('../target/unexport.js'),
        import('../ui/recovery.js'),
      ]);
      await onHosts(
        options,
        async (host) => {
          const { all, removeFile } = options;
          const report = await unexportTargets(host, all ? undefined : names, removeFile ?? false);
          noteRecovery(report.recovery, nameOf(host));
          return report;
        },
        describe,
      );
    });
}

function describe({ unexported }: UnexportReport): string {
  if (unexported.length === 0) return 'nothing was exported';
  return unexported
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
}

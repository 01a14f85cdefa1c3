import type { Command } from 'commander';
import { UsageError } from '../../base/errors.js';
import type { PlannedEnd, UnexportReport } from '../../serve/exports/unexport.js';
import { line } from '../ui/colors.js';
import { describeUndone } from '../ui/undone.js';
import { type HostOptions, hostOptions, nameOf, onHosts } from './hosts.js';
import { allowedEnds, type EndOptions, withAllowedEnds } from './options.js';

interface Options extends HostOptions, EndOptions {
  all?: boolean;
  removeFile?: boolean;
  dryRun?: boolean;
  yes?: boolean;
}

export function register(program: Command): void {
  const command = program
    .command('unexport')
    .description('end exports and remove what was made for them')
    .argument('[EXPORT...]', 'such as e0.1, or e0.1@eth0 where several interfaces serve it')
    .option('--all', 'every export of the host')
    .option('--remove-file', 'remove the file that the export made even where it holds data')
    .option('--dry-run', 'say what would end and be removed, and change nothing')
    .option('--yes', 'do not ask on the terminal where several would end');
  hostOptions(withAllowedEnds(command))
    .option('--json', 'print JSON')
    .action(async (names: string[], options: Options) => {
      if (names.length === 0 && !options.all) {
        throw new UsageError({
          tried: 'ending exports',
          happened: 'none was named',
          next: 'name them (aoe-lab status shows them), or give --all',
        });
      }
      if (names.length > 0 && options.all) {
        throw new UsageError({
          tried: 'ending exports',
          happened: '--all ends every export, and some are named as well',
          next: 'name them, or give --all alone',
        });
      }
      const which = options.all ? undefined : names;
      const [{ plannedEnds, unexportTargets }, { noteRecovery }, { agree }] = await Promise.all([
        import('../../serve/exports/unexport.js'),
        import('../ui/recovery.js'),
        import('../ui/confirm.js'),
      ]);
      if (options.dryRun) {
        await onHosts(options, (host) => plannedEnds(host, which), describePlanned);
        return;
      }
      await onHosts(
        options,
        async (host) => {
          if (process.stdin.isTTY && !options.yes) {
            const planned = await plannedEnds(host, which);
            const ids = planned.map(({ id }) => id).join(', ');
            const about = { tried: `ending ${ids}`, next: 'give --yes' };
            if (planned.length > 1)
              await agree(
                `end ${planned.length} exports (${ids})${host.isHere ? '' : ` on ${host.name}`}?`,
                about,
              );
          }
          const allow = allowedEnds(options);
          const report = await unexportTargets(host, which, options.removeFile ?? false, { allow });
          noteRecovery(report.recovery, nameOf(host));
          return report;
        },
        describe,
      );
    });
}

function describePlanned(planned: readonly PlannedEnd[]): string {
  if (planned.length === 0) return 'nothing is exported';
  return planned
    .map(({ id, file, made, by }) => {
      if (!made) return line`${id} would end; ${file} stays`;
      if (by.length > 0) return line`${id} would end; ${file}, which it made, would stay: ${by.join('; ')}`;
      return line`${id} would end; ${file}, which it made, would go unless it holds data`;
    })
    .join('\n');
}

function describe({ unexported }: UnexportReport): string {
  if (unexported.length === 0) return 'nothing was exported';
  return unexported.map((one) => line`unexported ${one.id}${describeUndone(one)}`).join('\n');
}

import type { Command } from 'commander';
import { ExitCode, LabError, linesOf, UsageError } from '../../base/errors.js';
import { FINDINGS, type FindingKind } from '../../serve/storage/findings.js';
import { line } from '../ui/colors.js';
import { type HostOptions, hostOptions, nameOf, onHosts } from './hosts.js';
import { findingsOf } from './options.js';

/** Who answers for its address is judged by itself. */
const RESTARTABLE = ['other-disk', ...FINDINGS.filter((kind) => kind !== 'address')] as const;

interface Options extends HostOptions {
  all?: boolean;
  upgrade?: boolean;
  allow?: (FindingKind | 'other-disk')[];
  force?: boolean;
}

export function register(program: Command): void {
  const command = program
    .command('restart')
    .description('restart exports, or bring back those that died or did not survive a reboot')
    .argument('[EXPORT...]', 'such as e0.1')
    .option('--all', 'every export of the host')
    .option(
      '--upgrade',
      'have native exports run the code of this aoe-lab rather than that they were made with',
    )
    .option(
      '--allow <FINDING>',
      `serve what an export's name means now although this speaks against it (repeatable, or joined by commas): ${RESTARTABLE.join(', ')}`,
      findingsOf(RESTARTABLE),
    )
    .option('--force', 'serve what it means whatever speaks against it');
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
      const [{ restartEach }, { noteRecovery }, { describeError, errorAsJson }] = await Promise.all([
        import('../../serve/exports/restart.js'),
        import('../ui/recovery.js'),
        import('../ui/errors.js'),
      ]);
      await onHosts(
        options,
        async (host) => {
          const { upgrade, force = false } = options;
          const allow = force ? true : (options.allow ?? []);
          const report = await restartEach(host, options.all ? undefined : names, { upgrade, allow });
          noteRecovery(report.recovery, nameOf(host));
          const [failure] = report.failed;
          // Of several, some have been restarted: the report tells which.
          if (failure !== undefined && report.failed.length + report.restarted.length === 1)
            throw failure.error;
          if (failure !== undefined) process.exitCode = ExitCode.failed;
          return report;
        },
        ({ restarted, failed, beside }) => {
          if (restarted.length + failed.length === 0) return 'nothing is exported';
          return [
            ...restarted.map(
              ({ id, pids, change }) =>
                line`restarted ${id} (process ${pids.join(' ')})${change === null ? '' : `: ${change}`}`,
            ),
            ...failed.map(({ error }) => describeError(error, false)),
            ...beside.map(
              ({ id, error }) => line`${id}, of the same daemon, is not served: ${happenedOf(error)}`,
            ),
          ].join('\n');
        },
        ({ failed, beside, ...rest }) => {
          const told = ({ id, error }: { id: string; error: Error }) => ({ id, ...errorAsJson(error) });
          return { ...rest, failed: failed.map(told), beside: beside.map(told) };
        },
      );
    });
}

/** The first line of what happened. */
function happenedOf(error: Error): string {
  return linesOf(error instanceof LabError ? error.facts.happened : error.message)[0] ?? '';
}

import type { Command } from 'commander';
import type { StatusReport } from '../../serve/exports/status-report.js';
import { line } from '../ui/colors.js';
import { type HostOptions, hostOptions, onHosts } from './hosts.js';

interface Options extends HostOptions {
  metrics?: boolean;
  long?: boolean;
}

export function register(program: Command): void {
  const command = program
    .command('status')
    .description('exports of a host, and how they differ from what was asked for')
    .argument('[EXPORT...]', 'such as e0.1 (default: all)');
  hostOptions(command)
    .option('--json', 'print JSON')
    .option('--long', 'also what the process of each may do')
    .option('--metrics', 'print the counters of native targets for Prometheus')
    .action(async (names: string[], options: Options) => {
      const [{ exportStatus }, describe] = await Promise.all([
        import('../../serve/exports/status.js'),
        options.metrics ? metrics() : words(options.long ?? false),
      ]);
      await onHosts(options, (host) => exportStatus(host, names), describe);
    });
}

async function metrics(): Promise<(report: StatusReport) => string> {
  const { prometheus } = await import('../../wire/native/metrics.js');
  return (report) => {
    const exports = report.exports.flatMap(({ counters, size, sectors, ...one }) =>
      counters === null ? [] : [{ ...one, counters, sectors: sectors ?? size / 512 }],
    );
    return prometheus({ exports }).trimEnd();
  };
}

async function words(isLong: boolean): Promise<(report: StatusReport) => string> {
  const [
    { table },
    { formatSize },
    { describeCounters },
    { describeUnchecked },
    { describeRights },
    access,
    { optionWords },
  ] = await Promise.all([
    import('../ui/table.js'),
    import('../../base/units.js'),
    import('../ui/counters.js'),
    import('../ui/unchecked.js'),
    import('../ui/rights.js'),
    import('../ui/access.js'),
    import('../../serve/exports/spec.js'),
  ]);
  const { describeLimits } = access;
  return (report) => {
    const lines: string[] = [];
    if (report.exports.length === 0) lines.push('nothing is exported');
    else {
      lines.push(
        table(
          ['export', 'target', 'state', 'wire', 'size', 'file', 'process'],
          report.exports.map((one) => [
            one.id,
            `${one.implementation} ${one.release}`,
            one.state,
            one.wire,
            formatSize(one.size),
            one.device === undefined ? one.file : `${one.file} (${one.device})`,
            one.pids.join(' ') || '-',
          ]),
        ),
      );
    }
    for (const { id, counters, datapath } of report.exports) {
      if (counters !== null) lines.push(line`${id}: ${describeCounters(counters)} (${datapath})`);
    }
    for (const { id, options } of report.exports) {
      const given = optionWords(options);
      if (given.length > 0) lines.push(line`${id}: ${given.join(' ')}`);
    }
    for (const { id, rights } of report.exports) {
      if (isLong && rights !== null) lines.push(line`${id}: its process may ${describeRights(rights)}`);
    }
    lines.push(...report.exports.flatMap(describeLimits));
    lines.push(...describeUnchecked(report.exports));
    for (const one of report.exports) lines.push(...one.faults.map((fault) => line`${one.id}: ${fault}`));
    for (const one of report.exports) {
      lines.push(...one.warnings.map((warning) => line`${one.id}: warning: ${warning}`));
    }
    for (const { path, fault } of report.unreadable) {
      lines.push(
        line`${path} can not be read as an entry: ${fault}; nothing is changed here until it is moved away`,
      );
    }
    for (const { mark, pids } of report.orphans) {
      const whose =
        report.unreadable.length > 0
          ? line`is of no entry that can be read (${mark})`
          : line`was left by a killed command (${mark}): the next one that changes something here ends it`;
      lines.push(line`process ${pids.join(' ')} ${whose}`);
    }
    return lines.join('\n');
  };
}

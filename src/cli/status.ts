import type { Command } from 'commander';

export function register(program: Command): void {
  program
    .command('status')
    .description('exports of this host, and how they differ from what was wished')
    .option('--json', 'print JSON')
    .option('--metrics', 'print the counters of native targets for Prometheus')
    .action(async ({ json, metrics }: { json?: boolean; metrics?: boolean }) => {
      const [{ exportStatus }, { here }, { print }, { table }, { formatSize }, { describeCounters }] =
        await Promise.all([
          import('../target/status.js'),
          import('../host/local.js'),
          import('../ui/output.js'),
          import('../ui/table.js'),
          import('../units.js'),
          import('../ui/counters.js'),
        ]);
      const report = await exportStatus(here);
      if (metrics) {
        const { prometheus } = await import('../native/metrics.js');
        const exports = report.exports.flatMap(({ counters, path, size, ...one }) =>
          counters === null ? [] : [{ ...one, counters, path: path ?? '', sectors: size / 512 }],
        );
        print(report, {}, () => prometheus({ exports }).trimEnd());
        return;
      }
      print(report, { json }, () => {
        const lines: string[] = [];
        if (report.exports.length === 0) lines.push('nothing is exported here');
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
        for (const { id, counters, path } of report.exports) {
          if (counters !== null) lines.push(`${id}: ${describeCounters(counters)} (${path})`);
        }
        for (const one of report.exports) lines.push(...one.faults.map((fault) => `${one.id}: ${fault}`));
        for (const { mark, pids } of report.orphans) {
          lines.push(
            `process ${pids.join(' ')} was left by a killed command (${mark}): aoe-lab unexport --all ends it`,
          );
        }
        return lines.join('\n');
      });
    });
}

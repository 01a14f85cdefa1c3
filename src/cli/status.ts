import type { Command } from 'commander';

export function register(program: Command): void {
  program
    .command('status')
    .description('exports of this host, and how they differ from what was wished')
    .option('--json', 'print JSON')
    .action(async ({ json }: { json?: boolean }) => {
      const [{ exportStatus }, { here }, { print }, { table }, { formatSize }] = await Promise.all([
        import('../target/status.js'),
        import('../host/local.js'),
        import('../ui/output.js'),
        import('../ui/table.js'),
        import('../units.js'),
      ]);
      const report = await exportStatus(here);
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

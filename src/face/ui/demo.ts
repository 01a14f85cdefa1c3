import { formatSize } from '../../base/units.js';
import type { DemoReport } from '../../prove/demo/demo.js';
import type { SocketDemoReport } from '../../prove/demo/demo-socket.js';
import colors from './colors.js';
import { table } from './table.js';

/** The demo's result as a person reads it. */
export function describeDemo(report: DemoReport | SocketDemoReport): string {
  const rate = (bytes: number, time: number) => `${(bytes / 1000 / time).toFixed(0)} MB/s`;
  const { target, sha256 } = report;
  const rows = [
    ...origin(report),
    ['export', `e${target.shelf}.${target.slot} at ${target.mac}, ${target.sectors} sectors`],
    [
      'written',
      `${formatSize(report.bytesWritten)}, ${rate(report.bytesWritten, report.writeTime)}, MTU ${report.mtu}`,
    ],
    ['read back', `${formatSize(report.bytesRead)}, ${rate(report.bytesRead, report.readTime)}`],
    ['sha256', sha256.written],
    [
      'verified',
      report.verified ? colors.green('yes: sent, read back and in the file are equal') : colors.red('NO'),
    ],
  ];
  return table(['', ''], rows).split('\n').slice(1).join('\n');
}

function origin(report: DemoReport | SocketDemoReport): string[][] {
  if ('wire' in report) {
    return [
      ['implementation', `${report.implementation}, part of aoe-lab`],
      ['wire', 'a Unix socket between two processes'],
    ];
  }
  const { source } = report;
  return [
    ['implementation', `${report.implementation} ${report.release}`],
    ['source', source.location],
    ['tree', `sha256 ${source.digest} (pinned: ${source.pinned})`],
  ];
}

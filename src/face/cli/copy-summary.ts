import { formatSize } from '../../base/units.js';
import type { CopyReport } from '../../wire/initiator/meter.js';
import { line } from '../ui/colors.js';

/** "wrote 64 MiB at 0 of e0.1 in 0.81 s, 82.5 MB/s", what was left out or done before, the paths, and the digest. */
export function summary(verb: 'read' | 'wrote', report: CopyReport): string {
  const { address, offset, bytes, resumedAt, zeroBytes, seconds, megabytesPerSecond, sha256, paths } = report;
  const zeros =
    verb === 'read' ? 'zeros, left as holes of the file' : 'zeros, not sent: the device was to have them';
  return [
    `${verb} ${formatSize(bytes)} at ${offset} of ${address} in ${seconds.toFixed(2)} s, ${megabytesPerSecond.toFixed(1)} MB/s`,
    ...(resumedAt > 0 ? [`${formatSize(resumedAt)} of them by an earlier run`] : []),
    ...(zeroBytes > 0 ? [`${formatSize(zeroBytes)} of them ${zeros}`] : []),
    ...(paths.length > 1 ? paths.map(pathLine) : []),
    `sha256 ${sha256}`,
  ].join('\n');
}

function pathLine({ link, answered, left, trouble }: CopyReport['paths'][number]): string {
  const times = left === 0 ? '' : `, left ${left === 1 ? 'once' : `${left} times`}`;
  return line`path ${link}: ${answered} requests${times}${trouble === undefined ? '' : ` (${trouble})`}`;
}

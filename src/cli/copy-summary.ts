import type { CopyReport } from '../initiator/copy.js';
import { formatSize } from '../units.js';

/** "wrote 64 MiB at 0 of e0.1 in 0.81 s, 82.5 MB/s" and the digest. */
export function summary(verb: 'read' | 'wrote', report: CopyReport): string {
  const { address, offset, bytes, seconds, megabytesPerSecond, sha256 } = report;
  return [
    `${verb} ${formatSize(bytes)} at ${offset} of ${address} in ${seconds.toFixed(2)} s, ${megabytesPerSecond.toFixed(1)} MB/s`,
    `sha256 ${sha256}`,
  ].join('\n');
}

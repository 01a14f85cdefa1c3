import { formatSize } from '../../base/units.js';
import { AoeError, describeAoeError } from '../../wire/aoe/constants.js';
import type { Counters } from '../../wire/native/counters.js';

/** "1,234 requests, 10 MiB read, 2 MiB written, 3 × IDNF, 1 × AoE error 6 (target is reserved)" */
export function describeCounters(counters: Counters): string {
  const { requests, bytesRead, bytesWritten, ataErrors, aoeErrors, refused, unsent } = counters;
  const parts = [
    `${requests.toLocaleString('en')} requests`,
    `${formatSize(bytesRead)} read`,
    `${formatSize(bytesWritten)} written`,
  ];
  const add = (count: number, what: string): void => {
    if (count > 0) parts.push(`${count.toLocaleString('en')} × ${what}`);
  };
  add(ataErrors.idNotFound, 'sector not found');
  add(ataErrors.uncorrectable, 'unreadable');
  add(ataErrors.aborted, 'aborted');
  for (const code of Object.values(AoeError))
    add(aoeErrors[code] ?? 0, `AoE error ${describeAoeError(code)}`);
  add(refused, 'not allowed');
  add(unsent, 'not sent');
  return parts.join(', ');
}

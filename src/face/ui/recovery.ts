import type { Recovery } from '../../serve/exports/recover.js';
import { line } from './colors.js';
import { note } from './output.js';

/**
 * Says what killed commands had left and was mended.
 * @param host where several are worked on
 */
export function noteRecovery(recovery: Recovery, host?: string): void {
  const mended = host === undefined ? 'mended' : `mended on ${host}`;
  for (const { id } of recovery.undone)
    note(line`${mended}: ${id} was left half made, or half ended, by a killed command; it is ended now`);
  for (const { id, to, from, trouble } of recovery.returned) {
    const outcome = trouble === undefined ? `${to} serves it again` : `it is ${to}'s again, but: ${trouble}`;
    note(line`${mended}: a command that moved ${id} to ${from} was killed; ${outcome}`);
  }
  for (const mark of recovery.orphans)
    note(line`${mended}: ended a process that belonged to no export (${mark})`);
}

import type { Recovery } from '../../serve/exports/recover.js';
import { line } from './colors.js';
import { note } from './output.js';

/**
 * Says what killed commands had left and what was done about it.
 * @param host where several are worked on
 */
export function noteRecovery(recovery: Recovery, host?: string): void {
  const recovered = host === undefined ? 'recovered' : `recovered on ${host}`;
  for (const { id } of recovery.undone)
    note(line`${recovered}: ${id} was left half made, or half ended, by a killed command; it is ended now`);
  for (const { id, to, from, trouble } of recovery.returned) {
    const outcome = trouble === undefined ? `${to} serves it again` : `it is ${to}'s again, but: ${trouble}`;
    note(line`${recovered}: a command that moved ${id} to ${from} was killed; ${outcome}`);
  }
  for (const mark of recovery.orphans)
    note(line`${recovered}: ended a process that belonged to no export (${mark})`);
}

import type { Recovery } from '../target/recover.js';
import { note } from './output.js';

/**
 * Says what killed commands had left and was mended.
 * @param host where several are worked on
 */
export function noteRecovery(recovery: Recovery, host?: string): void {
  const mended = host === undefined ? 'mended' : `mended on ${host}`;
  for (const { id } of recovery.undone)
    note(`${mended}: ${id} was left half done by a killed command; it was undone`);
  for (const mark of recovery.orphans)
    note(`${mended}: ended a process that belonged to no export (${mark})`);
}

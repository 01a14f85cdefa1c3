/** What initiators have set over the wire that closes an export to others, in words, and the way out. */
import { quoteArgv } from '../../hosts/host/quote.js';
import type { ExportAccess } from './access.js';

/** A phrase each; empty: nothing does, or nothing is known of it. */
export function closedBy(access: ExportAccess | null): string[] {
  if (access === null) return [];
  const { masks, reservation, reserved } = access;
  return [
    ...(masks !== null && masks.length > 0
      ? [`MAC mask list ${masks.join(', ')} (others are not answered)`]
      : []),
    ...(reserved ? [`reservation ${holders(reservation)} (others can't read or write)`] : []),
  ];
}

export function holders(reservation: ExportAccess['reservation']): string {
  return reservation === null || reservation.length === 0
    ? 'by an initiator'
    : `for ${reservation.join(', ')}`;
}

/**
 * The command that opens it again.
 * @param host Default: the one where it is typed
 */
export function clearCommand(id: string, host?: string): string {
  return quoteArgv(['aoe-lab', 'access', id, ...(host === undefined ? [] : ['--host', host]), '--clear']);
}

/** What that command does. */
export const CLEARS = 'removes list and reservation';

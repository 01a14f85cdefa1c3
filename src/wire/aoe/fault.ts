import type { EthernetHeader } from './ethernet.js';
import type { AoeHeader } from './header.js';

/** Why a command's own section can't be read. */
export interface BodyFault {
  /** The field as the specification calls it. */
  field: string;
  reason: string;
}

/** Bytes that are no AoE frame. What could be read before the fault is there: a target can answer with an error. */
export interface Fault extends BodyFault {
  kind: 'fault';
  ethernet: EthernetHeader | undefined;
  header: AoeHeader | undefined;
}

/** "mask count: 9 directives are announced, 4 are there" */
export function describeFault(fault: BodyFault): string {
  return `${fault.field}: ${fault.reason}`;
}

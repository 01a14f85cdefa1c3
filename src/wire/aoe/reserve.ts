import { type Mac, readMac, writeMac } from './ethernet.js';
import type { BodyFault } from './fault.js';

/**
 * The reserve/release section (section 6 of the specification), 2 bytes, then 6 for each MAC address.
 *
 *     24     25      26
 *     +------+-------+-------+-----
 *     | rcmd | count | mac 6 | ...
 *     +------+-------+-------+-----
 */

export const RESERVE_LIST_OFFSET = 26;
export const RESERVE_ENTRY = 6;

export interface Reserve {
  /** See ReserveCommand. */
  rcmd: number;
  /** Who may use the target; none of them releases it. */
  macs: Mac[];
}

/** @param bytes at least 26 of them */
export function decodeReserve(bytes: Buffer): Reserve | BodyFault {
  const count = bytes[25] as number;
  if (RESERVE_LIST_OFFSET + count * RESERVE_ENTRY > bytes.length) {
    const there = Math.floor((bytes.length - RESERVE_LIST_OFFSET) / RESERVE_ENTRY);
    return { field: 'reserve count', reason: `${count} addresses are announced, ${there} are there` };
  }
  const macs: Mac[] = [];
  for (let index = 0; index < count; index++) {
    macs.push(readMac(bytes, RESERVE_LIST_OFFSET + index * RESERVE_ENTRY));
  }
  return { rcmd: bytes[24] as number, macs };
}

/** @throws RangeError if a field does not fit its bytes, or there are more than 255 addresses */
export function encodeReserve(reserve: Reserve, bytes: Buffer): void {
  bytes.writeUInt8(reserve.rcmd, 24);
  bytes.writeUInt8(reserve.macs.length, 25);
  for (const [index, mac] of reserve.macs.entries()) {
    writeMac(mac, bytes, RESERVE_LIST_OFFSET + index * RESERVE_ENTRY);
  }
}

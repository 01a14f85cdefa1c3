/** A frame as 32-bit words of a little-endian machine, which is how the fast path reads and writes it. */
import { type Mac, readMac } from '../../aoe/ethernet.js';

/** Bytes of the headers of Ethernet, AoE and ATA. */
export const HEADERS = 36;
export const LEAST_FRAME = 60;

/** Which word holds what; MAC addresses lie across the first three. */
export const WORD = { middle: 1, source: 2, version: 3, address: 4, tag: 5, ata: 6, lba: 7, lbaHigh: 8 };

/** EtherType, version 1 and no flags; and the same with the response flag. */
export const REQUEST = 0x0010a288;
export const RESPONSE = 0x0018a288;
/** Status DRDY in the word of flags, error, count and status. */
export const READY = 0x40 << 24;

export const READ_28 = 0x20;
export const READ_48 = 0x24;
export const WRITE_28 = 0x30;
export const WRITE_48 = 0x34;

/** The source of a frame. @param middle the word whose upper half, and @param source the one that, hold it in the order of its bytes */
export function sourceOf(middle: number, source: number): Mac {
  const bytes = Buffer.allocUnsafe(6);
  bytes.writeUInt16LE(middle >>> 16, 0);
  bytes.writeUInt32LE(source, 2);
  return readMac(bytes, 0);
}

const TWO_32 = 2 ** 32;

/** First sector of a command, by the words of its LBA. */
export function sectorOf(command: number, low: number, high: number): number {
  return command === READ_28 || command === WRITE_28 ? low & 0x0fff_ffff : low + (high & 0xffff) * TWO_32;
}

export function isRead(command: number): boolean {
  return command === READ_48 || command === READ_28;
}

export function isWrite(command: number): boolean {
  return command === WRITE_48 || command === WRITE_28;
}

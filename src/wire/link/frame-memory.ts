import type { Libc } from '../../base/libc/libc.js';

/**
 * Where a frame begins in its slot: so that what follows the 36 bytes of the headers of Ethernet, AoE and ATA begins at a
 * page, as direct I/O wants it.
 */
export const FRAME_OFFSET = 4060;
export const DATA_OFFSET = 4096;

/** Bytes of a slot for frames of a length, a power of two. */
export function slotLength(frameLength: number): number {
  return 2 ** Math.ceil(Math.log2(FRAME_OFFSET + frameLength));
}

/** Memory that begins at a page, of this process. */
export interface Memory {
  bytes: Buffer;
  words: Uint32Array;
  address: number;
}

const PAGE = 4096;

/** @param length bytes, a multiple of 4 */
export function allocate(c: Pick<Libc, 'addressOf'>, length: number): Memory {
  const whole = Buffer.from(new ArrayBuffer(length + PAGE));
  const start = c.addressOf(whole);
  const skip = (PAGE - (start % PAGE)) % PAGE;
  return {
    bytes: whole.subarray(skip, skip + length),
    words: new Uint32Array(whole.buffer, skip, length / 4),
    address: start + skip,
  };
}

/** Writes an address as the two halves of a 64-bit number. */
export function putAddress(words: Uint32Array, index: number, address: number): void {
  words[index] = address % 2 ** 32;
  words[index + 1] = Math.floor(address / 2 ** 32);
}

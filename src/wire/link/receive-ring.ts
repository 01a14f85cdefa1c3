import type { Libc } from '../../base/libc/libc.js';

/**
 * Memory for receiving many frames by one recvmmsg(2): a slot for each, and the kernel's structures that point at
 * the slots (64-bit little-endian layout).
 *
 *     struct mmsghdr, 64 bytes:  0 name  8 namelen  16 iov  24 iovlen  32 control  40 controllen  48 flags  56 len
 *     struct iovec, 16 bytes:    0 base  8 len
 */
export class ReceiveRing {
  readonly #libc: Libc;
  readonly #fd: number;
  readonly #slots: Buffer;
  readonly #slotLength: number;
  readonly #messages: Buffer;
  /** Referenced by address only; kept so that it stays in memory. */
  readonly #vectors: Buffer;
  readonly #address: number;
  readonly #count: number;

  /** @param frameLength most bytes of a frame */
  constructor(libc: Libc, fd: number, frameLength: number, count = 64) {
    this.#libc = libc;
    this.#fd = fd;
    this.#count = count;
    this.#slotLength = Math.ceil(frameLength / 64) * 64;
    this.#slots = Buffer.alloc(this.#slotLength * count);
    this.#messages = Buffer.alloc(MMSGHDR * count);
    this.#vectors = Buffer.alloc(IOVEC * count);
    this.#address = libc.addressOf(this.#messages);
    const slots = libc.addressOf(this.#slots);
    const vectors = libc.addressOf(this.#vectors);
    for (let index = 0; index < count; index++) {
      this.#vectors.writeBigUInt64LE(BigInt(slots + index * this.#slotLength), index * IOVEC);
      this.#vectors.writeBigUInt64LE(BigInt(this.#slotLength), index * IOVEC + 8);
      this.#messages.writeBigUInt64LE(BigInt(vectors + index * IOVEC), index * MMSGHDR + 16);
      this.#messages.writeBigUInt64LE(1n, index * MMSGHDR + 24);
    }
  }

  /** How many frames one call brings at most. */
  get count(): number {
    return this.#count;
  }

  /** Takes the frames that wait, without waiting for any. @returns their number, or -1 with errno set */
  receive(): number {
    return this.#libc.recvmmsg(this.#fd, this.#address, this.#count, MSG_DONTWAIT, 0);
  }

  /** The frame that the last `receive` put in a slot; valid until the next. */
  frame(index: number): Buffer {
    const start = index * this.#slotLength;
    return this.#slots.subarray(start, start + this.#messages.readUInt32LE(index * MMSGHDR + 56));
  }
}

const MMSGHDR = 64;
const IOVEC = 16;
const MSG_DONTWAIT = 0x40;

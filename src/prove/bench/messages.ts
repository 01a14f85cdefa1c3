import type { Libc } from '../../base/libc/libc.js';

/**
 * Messages for sendmmsg(2) and recvmmsg(2), one memory area for all frames (64-bit little-endian layout).
 *
 *     struct mmsghdr, 64 bytes:  0 name  8 namelen  16 iov  24 iovlen  32 control  40 controllen  48 flags  56 len
 *     struct iovec, 16 bytes:    0 base  8 len
 */
export class Messages {
  /** The frames, as bytes and as words. */
  readonly bytes: Buffer;
  readonly words: Uint32Array;
  /** Words between frames. */
  readonly stride: number;
  /** The message headers as words: see LENGTH and VECTOR. */
  readonly headers: Uint32Array;
  readonly address: number;
  /** Word pairs: address and length of each frame; also what the headers' vectors point at. */
  readonly vectors: Uint32Array;
  readonly #vectorsAddress: number;

  /**
   * @param size most bytes of a frame
   * @param visible bytes of it that are received or sent
   */
  constructor(libc: Pick<Libc, 'addressOf'>, count: number, size: number, visible: number) {
    const slot = Math.ceil(size / 64) * 64;
    this.stride = slot / 4;
    this.bytes = Buffer.from(new ArrayBuffer(slot * count));
    this.words = new Uint32Array(this.bytes.buffer);
    this.vectors = new Uint32Array(count * 4);
    this.headers = new Uint32Array(count * HEADER_WORDS);
    const frames = libc.addressOf(this.bytes);
    this.#vectorsAddress = libc.addressOf(new Uint8Array(this.vectors.buffer));
    this.address = libc.addressOf(new Uint8Array(this.headers.buffer));
    for (let index = 0; index < count; index++) {
      setAddress(this.vectors, index * 4, frames + index * slot);
      this.vectors[index * 4 + 2] = visible;
      this.headers[index * HEADER_WORDS + VECTOR + 2] = 1;
      this.point(index, index);
    }
  }

  /** Lets a message carry a frame. */
  point(message: number, frame: number): void {
    setAddress(this.headers, message * HEADER_WORDS + VECTOR, this.#vectorsAddress + frame * 16);
  }
}

/** Words of a struct mmsghdr; its vector's address and the length the kernel leaves there. */
export const HEADER_WORDS = 16;
export const VECTOR = 4;
export const LENGTH = 14;

const TWO_32 = 2 ** 32;

function setAddress(words: Uint32Array, at: number, address: number): void {
  words[at] = address % TWO_32;
  words[at + 1] = Math.floor(address / TWO_32);
}

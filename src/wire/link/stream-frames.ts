/**
 * Frames on a byte stream as QEMU's `-netdev stream` carries them (net/stream.c, net_fill_rstate): the length as 4
 * bytes, big-endian, then the frame from the destination MAC on, without padding and check sequence.
 */

export const LENGTH_FIELD = 4;
/** QEMU's NET_BUFSIZE: it ends the connection when a longer frame is announced. */
export const MOST_ANNOUNCED = 4096 + 65536;

/** Takes a byte stream apart into frames, in memory for one frame. */
export class FrameReader {
  /** Frames longer than the link's MTU allows, which were left out. */
  oversized = 0;
  readonly #onFrame: (frame: Buffer) => void;
  readonly #longest: number;
  /** A length field or frame of which the end has not come yet. */
  readonly #partial: Buffer;
  #filled = 0;
  /** Bytes of an oversized frame that are still to be passed over. */
  #skip = 0;

  /** @param longest bytes of a frame; longer ones are left out */
  constructor(longest: number, onFrame: (frame: Buffer) => void) {
    this.#longest = longest;
    this.#onFrame = onFrame;
    this.#partial = Buffer.alloc(LENGTH_FIELD + longest);
  }

  /**
   * Takes what has arrived; frames are views of it or of own memory, valid during the call.
   * @returns false if it can't be such a stream: a length beyond all reason
   */
  push(chunk: Buffer): boolean {
    let offset = 0;
    while (offset < chunk.length) {
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, chunk.length - offset);
        this.#skip -= skipped;
        offset += skipped;
        continue;
      }
      const length = this.#announced(chunk, offset);
      if (length === undefined) {
        offset = this.#keep(chunk, offset, LENGTH_FIELD);
        continue;
      }
      if (length > MOST_ANNOUNCED) return false;
      if (length > this.#longest) {
        this.oversized++;
        this.#skip = length;
        offset += LENGTH_FIELD - this.#filled;
        this.#filled = 0;
        continue;
      }
      offset = this.#take(chunk, offset, LENGTH_FIELD + length);
    }
    return true;
  }

  /** Forgets a frame that has not come to its end. */
  reset(): void {
    this.#filled = 0;
    this.#skip = 0;
  }

  /** The length that stands at the front; undefined if its field is not complete. */
  #announced(chunk: Buffer, offset: number): number | undefined {
    if (this.#filled >= LENGTH_FIELD) return this.#partial.readUInt32BE(0);
    if (chunk.length - offset + this.#filled < LENGTH_FIELD) return undefined;
    if (this.#filled === 0) return chunk.readUInt32BE(offset);
    chunk.copy(this.#partial, this.#filled, offset, offset + LENGTH_FIELD - this.#filled);
    return this.#partial.readUInt32BE(0);
  }

  /** @param whole bytes of length field and frame. @returns the new offset */
  #take(chunk: Buffer, offset: number, whole: number): number {
    if (this.#filled === 0 && chunk.length - offset >= whole) {
      if (whole > LENGTH_FIELD) this.#onFrame(chunk.subarray(offset + LENGTH_FIELD, offset + whole));
      return offset + whole;
    }
    const next = this.#keep(chunk, offset, whole);
    if (this.#filled === whole) {
      this.#filled = 0;
      if (whole > LENGTH_FIELD) this.#onFrame(this.#partial.subarray(LENGTH_FIELD, whole));
    }
    return next;
  }

  #keep(chunk: Buffer, offset: number, upTo: number): number {
    const end = Math.min(chunk.length, offset + upTo - this.#filled);
    this.#filled += chunk.copy(this.#partial, this.#filled, offset, end);
    return end;
  }
}

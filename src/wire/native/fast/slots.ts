import type { Syscalls } from '../../../base/libc/syscalls.js';
import { allocate, DATA_OFFSET, FRAME_OFFSET, type Memory } from '../../link/frame-memory.js';

/** Memory for answers and for the data on their way, a slot a request; laid out as the slots of frames that come in. */
export class Slots {
  readonly memory: Memory;
  readonly length: number;
  /** Words of a slot. */
  readonly words: number;
  /** Halves of the address of each slot's frame. */
  readonly low: Uint32Array;
  readonly high: Uint32Array;
  readonly #free: Int32Array;
  #count: number;

  constructor(c: Syscalls, length: number, count: number) {
    this.length = length;
    this.words = length / 4;
    this.memory = allocate(c, length * count);
    this.low = new Uint32Array(count);
    this.high = new Uint32Array(count);
    this.#free = new Int32Array(count);
    this.#count = count;
    for (let slot = 0; slot < count; slot++) {
      const address = this.memory.address + slot * length + FRAME_OFFSET;
      this.low[slot] = address % 2 ** 32;
      this.high[slot] = Math.floor(address / 2 ** 32);
      // The last one given back is the next one taken: it is still in the processor's cache.
      this.#free[slot] = count - 1 - slot;
    }
  }

  get free(): number {
    return this.#count;
  }

  /** There must be a free one. */
  take(): number {
    this.#count--;
    return this.#free[this.#count] as number;
  }

  give(slot: number): void {
    this.#free[this.#count] = slot;
    this.#count++;
  }

  /** Where a slot's sectors are in memory. */
  dataAddress(slot: number): number {
    return this.memory.address + slot * this.length + DATA_OFFSET;
  }

  /** The bytes of a slot's frame. */
  frame(slot: number, length: number): Buffer {
    const start = slot * this.length + FRAME_OFFSET;
    return this.memory.bytes.subarray(start, start + length);
  }
}

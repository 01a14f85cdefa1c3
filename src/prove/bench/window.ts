import { SECTOR } from '../../wire/aoe/index.js';
import { Tags } from '../../wire/initiator/tags.js';
import type { Load } from './load.js';
import { Places } from './places.js';

/** Tags are random in their upper bits; the low ones are the slot of the window, mixed with those and a secret of the run. */
const SLOT_BITS = 10;
const SLOT_MASK = (1 << SLOT_BITS) - 1;
const MIX = 0x9e37_79b1;
const tags = new Tags();
const secret = tags.fresh(() => false);

/** The slot of a request by its tag; of a tag that was made up any slot. */
export function slotOf(tag: number): number {
  return (tag ^ (Math.imul((tag >>> SLOT_BITS) ^ secret, MIX) >>> (32 - SLOT_BITS))) & SLOT_MASK;
}

/** The requests that are outstanding, by slot, and those that are to be sent next. */
export class Window {
  /** Tags of requests without an answer; 0: none. */
  readonly awaited: Uint32Array;
  /** Milliseconds: when the request was sent last. */
  readonly sent: Float64Array;
  /** First sectors. */
  readonly lba: Float64Array;
  /** 1 for a write, 0 for a read. */
  readonly isWrite: Uint8Array;
  /** 1 once a request was sent again. */
  readonly repeated: Uint8Array;
  /** Slots to be sent, `due` of them. */
  readonly queue: Uint16Array;
  due = 0;
  outstanding = 0;
  readonly sectors: number;
  readonly #places: Places;
  readonly #reads: number;
  #random: number;

  constructor({ depth, size, sectors, seed, reads }: Load) {
    this.awaited = new Uint32Array(depth);
    this.sent = new Float64Array(depth);
    this.lba = new Float64Array(depth);
    this.isWrite = new Uint8Array(depth);
    this.repeated = new Uint8Array(depth);
    this.queue = new Uint16Array(depth);
    this.sectors = size / SECTOR;
    this.#places = new Places(Math.floor(sectors / this.sectors), seed);
    this.#reads = reads;
    this.#random = seed | 1;
  }

  /** Makes a new request in a slot and queues it. @returns its tag */
  open(slot: number, now: number): number {
    const drawn = tags.fresh((one) => one >>> SLOT_BITS === 0);
    const upper = drawn & ~SLOT_MASK;
    const tag = (upper | (slotOf(upper) ^ slot)) >>> 0;
    this.awaited[slot] = tag;
    this.lba[slot] = this.#places.next() * this.sectors;
    this.isWrite[slot] = this.#percent() < this.#reads ? 0 : 1;
    this.sent[slot] = now;
    this.repeated[slot] = 0;
    this.outstanding++;
    this.queue[this.due++] = slot;
    return tag;
  }

  /** Queues a request once more. */
  repeat(slot: number): void {
    this.repeated[slot] = 1;
    this.queue[this.due++] = slot;
  }

  /** Whether an answer belongs to a request, which then is no longer outstanding. */
  close(slot: number, tag: number): boolean {
    if (tag === 0 || this.awaited[slot] !== tag) return false;
    this.awaited[slot] = 0;
    this.outstanding--;
    return true;
  }

  /** 0 to 99 */
  #percent(): number {
    this.#random ^= this.#random << 13;
    this.#random ^= this.#random >>> 17;
    this.#random ^= this.#random << 5;
    return (this.#random >>> 0) % 100;
  }
}

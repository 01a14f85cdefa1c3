import type { Syscalls } from '../../../base/libc/syscalls.js';
import { SECTOR } from '../../aoe/index.js';
import { DATA_OFFSET, FRAME_OFFSET } from '../../link/frame-memory.js';
import { SendBatch } from '../../link/send-batch.js';
import type { HotExport } from './hot-export.js';
import { Slots } from './slots.js';
import type { Uring } from './uring.js';
import { HEADERS, LEAST_FRAME, READY, REQUEST, RESPONSE, sectorOf, WORD } from './words.js';

/** What is under way in a slot. */
export const Kind = { none: 0, read: 1, write: 2, send: 3 } as const;

/** Frames that leave by one call. */
export const BATCH = 64;
/** Answers on their way, at most. */
export const SLOTS = 2048;

/** The answers of one interface on their way: a slot each, from the request to the wire. */
export class Replies {
  readonly slots: Slots;
  /** Of each slot: what is under way, for whom, and what is to be called when a write is done. */
  readonly kind = new Uint8Array(SLOTS);
  readonly owner: (HotExport | undefined)[] = new Array(SLOTS).fill(undefined);
  readonly done: ((() => void) | undefined)[] = new Array(SLOTS).fill(undefined);
  /** The requests' words of flags, count and command. */
  readonly #request = new Uint32Array(SLOTS);
  readonly #fd: number;
  readonly #batch: SendBatch;
  readonly #batchSlots = new Int32Array(BATCH);
  readonly #ownLow: number;
  readonly #ownHigh: number;

  /** @param ownLow the interface's MAC address: its first four bytes, and its last two, little-endian */
  constructor(c: Syscalls, fd: number, slotLength: number, ownLow: number, ownHigh: number) {
    this.#fd = fd;
    this.slots = new Slots(c, slotLength, SLOTS);
    this.#batch = new SendBatch(c, fd, BATCH);
    this.#ownLow = ownLow;
    this.#ownHigh = ownHigh;
  }

  /** The socket is closed: what becomes ready from now on is forgotten. */
  isClosed = false;

  /** Whether nothing is on its way. */
  get idle(): boolean {
    return this.slots.free === SLOTS;
  }

  /** Answers that are ready to leave. */
  get ready(): number {
    return this.#batch.count;
  }

  /** Takes a slot and writes the headers of a request's answer into it: it succeeded. */
  begin(words: Uint32Array, at: number): number {
    const { slots } = this;
    const slot = slots.take();
    const out = slots.memory.words;
    const to = slot * slots.words + FRAME_OFFSET / 4;
    const middle = words[at + WORD.middle] as number;
    const source = words[at + WORD.source] as number;
    const ata = words[at + WORD.ata] as number;
    out[to] = (middle >>> 16) | (source << 16);
    out[to + WORD.middle] = (source >>> 16) | (this.#ownLow << 16);
    out[to + WORD.source] = (this.#ownLow >>> 16) | (this.#ownHigh << 16);
    out[to + WORD.version] = RESPONSE;
    out[to + WORD.address] = words[at + WORD.address] as number;
    out[to + WORD.tag] = words[at + WORD.tag] as number;
    out[to + WORD.ata] = (ata & 0xff) | READY;
    out[to + WORD.lba] = words[at + WORD.lba] as number;
    out[to + WORD.lbaHigh] = (words[at + WORD.lbaHigh] as number) & 0xffff;
    this.#request[slot] = ata;
    return slot;
  }

  /** Bytes of sectors that the request of a slot moves. */
  bytesOf(slot: number): number {
    return (((this.#request[slot] as number) >>> 16) & 0xff) * SECTOR;
  }

  /** First sector of the request of a slot. */
  sectorOf(slot: number): number {
    const { memory, words } = this.slots;
    const at = slot * words + FRAME_OFFSET / 4;
    const command = (this.#request[slot] as number) >>> 24;
    return sectorOf(
      command,
      memory.words[at + WORD.lba] as number,
      memory.words[at + WORD.lbaHigh] as number,
    );
  }

  /** The request again that the answer in a slot belongs to. @param data bytes of sectors that are to follow it */
  requestOf(slot: number, data: number): Buffer {
    const frame = Buffer.from(this.slots.frame(slot, HEADERS + data));
    const ours = frame.readUIntBE(6, 6);
    frame.writeUIntBE(frame.readUIntBE(0, 6), 6, 6);
    frame.writeUIntBE(ours, 0, 6);
    frame.writeUInt32LE(REQUEST, 4 * WORD.version);
    frame.writeUInt32LE(this.#request[slot] as number, 4 * WORD.ata);
    return frame;
  }

  /** Has an answer without sectors leave with the next `flush`. */
  enqueueBare(slot: number): void {
    const { words } = this.slots.memory;
    const at = (slot * this.slots.length + DATA_OFFSET) / 4;
    // A call of `fill` costs more than these few words.
    for (let index = 0; index < (LEAST_FRAME - HEADERS) / 4; index++) words[at + index] = 0;
    this.enqueue(slot, LEAST_FRAME);
  }

  enqueue(slot: number, length: number): void {
    const batch = this.#batch;
    if (batch.count === batch.capacity) this.flush();
    this.#batchSlots[batch.count] = slot;
    batch.add(this.slots.low[slot] as number, this.slots.high[slot] as number, length);
  }

  /** Has a frame that was made elsewhere leave with the next `flush`. @returns false if there is no room */
  enqueueCopy(frame: Buffer): boolean {
    if (this.slots.free === 0) return false;
    const slot = this.slots.take();
    this.owner[slot] = undefined;
    this.slots.memory.bytes.set(frame, slot * this.slots.length + FRAME_OFFSET);
    this.enqueue(slot, frame.length);
    return true;
  }

  /** Sends what is ready, by one call. */
  flush(): void {
    const batch = this.#batch;
    const { count } = batch;
    if (count === 0) return;
    const lost = (index: number): void => {
      const owner = this.owner[this.#batchSlots[index] as number];
      if (owner !== undefined) owner.served.counters.unsent++;
    };
    // Its descriptor may be somebody else's by now.
    if (this.isClosed) batch.count = 0;
    else batch.send(lost);
    for (let index = 0; index < count; index++) this.slots.give(this.#batchSlots[index] as number);
  }

  /** Leaves the sending of what is ready to io_uring. @param id of slot 0 */
  sendBy(uring: Uring, id: number): void {
    const batch = this.#batch;
    for (let index = 0; index < batch.count; index++) {
      const slot = this.#batchSlots[index] as number;
      this.kind[slot] = Kind.send;
      uring.pushSend(this.#fd, this.slots.dataAddress(slot) - HEADERS, batch.lengthOf(index), id + slot);
    }
    batch.count = 0;
  }
}

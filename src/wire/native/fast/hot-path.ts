// The global is looked up at each use.
import { performance } from 'node:perf_hooks';
import { SECTOR } from '../../aoe/index.js';
import { allocate, DATA_OFFSET, FRAME_OFFSET, type Memory, putAddress } from '../../link/frame-memory.js';
import type { FrameSource } from '../../link/frame-source.js';
import { coarseClock } from '../coarse-clock.js';
import type { Served } from '../served.js';
import type { Engine } from './engine.js';
import { addressWord, admits, type HotExport, hotExport } from './hot-export.js';
import { register, type SlotCompletion, unregister } from './registry.js';
import { BATCH, Kind, Replies, SLOTS } from './replies.js';
import { OP_READ, OP_WRITE } from './uring.js';
import { HEADERS, isRead, isWrite, REQUEST, sectorOf, WORD } from './words.js';
import { WriteBatch } from './write-batch.js';

const RWF_NOWAIT = 8;
const ECANCELED = 125;
/** Milliseconds that writing into the page cache may take; it then waits for the disk, and this process for it. */
const SLOW_WRITE = 100;
/** Milliseconds for which writes go another way after that. */
const WARINESS = 10_000;
/** More requests than are begun together with the sending of their answers. */
const MANY = 1000;

/**
 * Reads and writes of sectors from frame to frame, without an object made. Whatever is not plainly in order is declined, and
 * what goes wrong on the way is handed back as the request it was: the portable way knows all the rules.
 */
export class HotPath implements SlotCompletion {
  readonly replies: Replies;
  readonly #engine: Engine;
  readonly #fd: number;
  readonly #maxSectors: number;
  readonly #ownLow: number;
  readonly #ownHigh: number;
  /** The interface's address as a source is read: its first two bytes, and its last four, little-endian. */
  readonly #ownFirst: number;
  readonly #ownRest: number;
  readonly #source: FrameSource;
  readonly #answerPortably: (request: Buffer) => void;
  readonly #id: number;
  readonly #vector: Memory;
  #exports = new Map<number, HotExport>();
  /** Slots of reads that have not begun, and whether one of them waits for the medium. */
  readonly #reads = new Int32Array(SLOTS);
  #readCount = 0;
  /** Writes that have not begun: their slots, and their requests. */
  readonly #writes: WriteBatch;
  readonly #writeSlots = new Int32Array(BATCH);
  readonly #writeStarts = new Float64Array(BATCH);
  #deep = false;

  /** @param answerPortably answers a request the portable way */
  constructor(
    engine: Engine,
    socket: { fd: number; mac: number; maxSectors: number; source: FrameSource },
    answerPortably: (request: Buffer) => void,
  ) {
    const { fd, mac, maxSectors, source } = socket;
    this.#source = source;
    this.#engine = engine;
    this.#fd = fd;
    this.#maxSectors = maxSectors;
    this.#answerPortably = answerPortably;
    const bytes = Buffer.alloc(6);
    bytes.writeUIntBE(mac, 0, 6);
    this.#ownLow = bytes.readUInt32LE(0);
    this.#ownHigh = bytes.readUInt16LE(4);
    this.#ownFirst = bytes.readUInt16LE(0);
    this.#ownRest = bytes.readUInt32LE(2);
    this.replies = new Replies(engine.c, fd, source.slotLength, this.#ownLow, this.#ownHigh);
    this.#vector = allocate(engine.c, 16);
    this.#writes = new WriteBatch(engine.c, BATCH);
    this.#id = register(this);
  }

  serve(served: readonly Served[]): void {
    const before = new Map([...this.#exports.values()].map((hot) => [hot.served, hot]));
    this.#exports = new Map();
    for (const one of served) {
      const hot = before.get(one) ?? hotExport(one);
      if (hot !== undefined) this.#exports.set(addressWord(one), hot);
    }
  }

  /** Whether something is under way for a target. */
  holds(served: Served): boolean {
    const { owner, kind } = this.replies;
    return owner.some((hot, slot) => hot?.served === served && kind[slot] !== Kind.none);
  }

  close(): void {
    unregister(this.#id);
  }

  /** Takes the request at hand. @returns false if it is nothing for this path */
  take(length: number): boolean {
    const { memory, slot: incoming, slotLength } = this.#source;
    const { words } = memory;
    const at = (incoming * slotLength + FRAME_OFFSET) / 4;
    if (length < HEADERS || ((words[at + WORD.version] as number) & 0xffffff) !== REQUEST) return false;
    const hot = this.#exports.get(words[at + WORD.address] as number);
    if (hot === undefined) return false;
    const middle = words[at + WORD.middle] as number;
    // To us alone, and from no group.
    if (words[at] !== this.#ownLow || (middle & 0xffff) !== this.#ownHigh || middle & 0x10000) return false;
    // Nor from our own address: whoever would be answered is us.
    const source = words[at + WORD.source] as number;
    if (middle >>> 16 === this.#ownFirst && source === this.#ownRest) return false;
    const { target } = hot.served;
    if (!target.open && !admits(hot, middle, source)) return false;
    const ata = words[at + WORD.ata] as number;
    const command = ata >>> 24;
    const sectors = (ata >>> 16) & 0xff;
    const sector = sectorOf(command, words[at + WORD.lba] as number, words[at + WORD.lbaHigh] as number);
    if (sectors === 0 || sectors > this.#maxSectors || sector + sectors > target.sectors) return false;
    const says = (ata & 1) === 1;
    if (isRead(command)) return !says && this.#read(hot, words, at, sector, sectors * SECTOR);
    if (!isWrite(command) || !says || hot.readOnly || length < HEADERS + sectors * SECTOR) return false;
    const data = incoming * slotLength + DATA_OFFSET;
    return this.#write(hot, memory, at, data, sector, sectors);
  }

  /** Writes what was taken into the page cache; must be called before the frames are given back, and at most BATCH of them. */
  carryOutWrites(): void {
    const { replies } = this;
    const { count } = this.#writes;
    if (count === 0) return;
    const began = performance.now();
    const results = this.#writes.carryOut();
    if (performance.now() - began > SLOW_WRITE) this.#beWary(count);
    for (let index = 0; index < count; index++) {
      const slot = this.#writeSlots[index] as number;
      const bytes = replies.bytesOf(slot);
      if (results[index] === bytes) {
        countWrite(replies.owner[slot] as HotExport, bytes);
        replies.enqueueBare(slot);
        continue;
      }
      // An error, or no room for all of it.
      replies.slots.give(slot);
      const start = this.#writeStarts[index] as number;
      this.#answerPortably(this.#source.memory.bytes.subarray(start, start + HEADERS + bytes));
    }
  }

  /** The disk of one of the writes held up all. */
  #beWary(count: number): void {
    for (let index = 0; index < count; index++) {
      const hot = this.replies.owner[this.#writeSlots[index] as number];
      if (hot !== undefined) hot.waryUntil = coarseClock.now + WARINESS;
    }
  }

  /**
   * Whether an export may take another slot while it waits for its medium: twice as many as are free. One alone gets two
   * thirds of them; of many that get no answer none leaves the others without (dynamic thresholds, as switches share
   * their buffers).
   */
  #isFull(hot: HotExport): boolean {
    return hot.held > 2 * this.replies.slots.free;
  }

  /** Requests that were taken and whose operations have not begun, and answers that have not left. */
  get prepared(): number {
    return this.#readCount + this.replies.ready + (this.#deep ? MANY : 0);
  }

  begin(together: boolean): void {
    const count = this.#readCount;
    const { uring } = this.#engine;
    this.#readCount = 0;
    this.#deep = false;
    if (together && uring !== undefined) this.replies.sendBy(uring, this.#id);
    for (let index = 0; index < count; index++) {
      const slot = this.#reads[index] as number;
      const hot = this.replies.owner[slot] as HotExport;
      if (together) this.#readAndSend(hot, slot);
      else this.#submitOrWait(hot, slot);
    }
  }

  #read(hot: HotExport, words: Uint32Array, at: number, sector: number, bytes: number): boolean {
    const { replies } = this;
    if (this.#isFull(hot)) return true;
    const slot = replies.begin(words, at);
    if (this.#engine.uring === undefined) {
      const vector = this.#vector;
      putAddress(vector.words, 0, replies.slots.dataAddress(slot));
      vector.words[2] = bytes;
      const position = hot.start + sector * SECTOR;
      if (!hot.cached || this.#engine.c.preadv2(hot.fd, vector.address, 1, position, RWF_NOWAIT) !== bytes) {
        replies.slots.give(slot);
        return false;
      }
      countRead(hot, bytes);
      if (sector === 0) hot.served.trials.count++;
      replies.enqueue(slot, HEADERS + bytes);
      return true;
    }
    replies.owner[slot] = hot;
    replies.kind[slot] = Kind.read;
    if (sector === 0) hot.served.trials.count++;
    hot.held++;
    this.#reads[this.#readCount] = slot;
    this.#readCount++;
    if (!hot.cached || hot.served.medium.isStuck) this.#deep = true;
    return true;
  }

  #write(hot: HotExport, memory: Memory, at: number, data: number, sector: number, sectors: number): boolean {
    const { replies } = this;
    const { order } = hot.served;
    const bytes = sectors * SECTOR;
    if (hot.lazy && order.idle && coarseClock.now >= hot.waryUntil && !hot.served.medium.isStuck) {
      const slot = replies.begin(memory.words, at);
      replies.owner[slot] = hot;
      this.#writeSlots[this.#writes.count] = slot;
      this.#writeStarts[this.#writes.count] = data - HEADERS;
      this.#writes.add(hot.fd, memory.address + data, bytes, hot.start + sector * SECTOR);
      return true;
    }
    if (this.#engine.uring === undefined) return false;
    if (!this.#isFull(hot)) this.#writeInOrder(hot, memory, at, data, sector, sectors);
    return true;
  }

  /** Apart from the above, as whatever holds a function that outlives it costs each call an object. */
  #writeInOrder(
    hot: HotExport,
    memory: Memory,
    at: number,
    data: number,
    sector: number,
    sectors: number,
  ): void {
    const { replies } = this;
    hot.held++;
    const slot = replies.begin(memory.words, at);
    const { slots } = replies;
    const sent = memory.bytes.subarray(data, data + sectors * SECTOR);
    slots.memory.bytes.set(sent, slot * slots.length + DATA_OFFSET);
    replies.owner[slot] = hot;
    replies.kind[slot] = Kind.write;
    hot.served.order.write(sector, sectors, (done) => {
      replies.done[slot] = done;
      this.#submitOrWait(hot, slot);
    });
  }

  #submitOrWait(hot: HotExport, slot: number): void {
    if (hot.underWay >= hot.limit) hot.waiting.push(slot);
    else this.#submit(hot, slot);
  }

  #submit(hot: HotExport, slot: number): void {
    const { replies } = this;
    hot.underWay++;
    hot.served.medium.begin();
    const op = (replies.kind[slot] === Kind.write ? OP_WRITE : OP_READ) | hot.deepFlags;
    const position = hot.start + replies.sectorOf(slot) * SECTOR;
    const data = replies.slots.dataAddress(slot);
    this.#engine.uring?.push(op, hot.deepFd, data, replies.bytesOf(slot), position, this.#id + slot);
  }

  #readAndSend(hot: HotExport, slot: number): void {
    const { replies } = this;
    const data = replies.slots.dataAddress(slot);
    const bytes = replies.bytesOf(slot);
    const position = hot.start + replies.sectorOf(slot) * SECTOR;
    const frame = { socket: this.#fd, address: data - HEADERS, length: HEADERS + bytes };
    hot.served.medium.begin();
    this.#engine.uring?.pushReadAndSend(hot.fd, data, bytes, position, frame, this.#id + slot);
  }

  /** A read or write at the medium is done. */
  done(slot: number, result: number): void {
    const { replies } = this;
    const hot = replies.owner[slot] as HotExport;
    const wasWrite = replies.kind[slot] === Kind.write;
    const bytes = replies.bytesOf(slot);
    hot.underWay--;
    hot.held--;
    hot.served.medium.end();
    const next = hot.waiting.shift();
    if (next !== undefined) this.#submit(hot, next);
    replies.kind[slot] = Kind.none;
    const { [slot]: done } = replies.done;
    replies.done[slot] = undefined;
    done?.();
    if (result !== bytes) {
      // Unaligned for direct I/O, an error, or the file has shrunk.
      this.#returnRequest(slot, wasWrite ? bytes : 0);
    } else if (wasWrite) {
      countWrite(hot, bytes);
      replies.enqueueBare(slot);
    } else {
      countRead(hot, bytes);
      replies.enqueue(slot, HEADERS + bytes);
    }
  }

  /** io_uring has sent an answer, or could not. */
  sent(slot: number, result: number): void {
    const { replies } = this;
    const wasRead = replies.kind[slot] === Kind.read;
    replies.kind[slot] = Kind.none;
    if (wasRead) {
      const hot = replies.owner[slot] as HotExport;
      hot.held--;
      hot.served.medium.end();
    }
    if (wasRead && result === -ECANCELED) {
      // The read before it failed.
      this.#returnRequest(slot, 0);
      return;
    }
    const hot = replies.owner[slot];
    if (hot !== undefined) {
      if (wasRead) countRead(hot, replies.bytesOf(slot));
      if (result < 0) hot.served.counters.unsent++;
    }
    replies.slots.give(slot);
  }

  #returnRequest(slot: number, data: number): void {
    const request = this.replies.requestOf(slot, data);
    this.replies.slots.give(slot);
    this.#answerPortably(request);
  }
}

function countRead({ served }: HotExport, bytes: number): void {
  const { counters } = served;
  counters.requests++;
  counters.reads++;
  counters.bytesRead += bytes;
}

function countWrite({ served }: HotExport, bytes: number): void {
  const { counters } = served;
  counters.requests++;
  counters.writes++;
  counters.bytesWritten += bytes;
}

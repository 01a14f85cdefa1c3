import { LabError } from '../../base/errors.js';
import { type Libc, libc, libcError } from '../../base/libc/libc.js';
import { SECTOR } from '../../wire/aoe/index.js';
import { type Calls, calls } from './calls.js';
import { fillSectors, isContent } from './content.js';
import { Counters } from './counters.js';
import type { LoadFigures, NbdLoad } from './load.js';
import { Messages } from './messages.js';
import { chooseExport, NbdCommand, REPLY, REPLY_MAGIC, REQUEST, REQUEST_MAGIC } from './nbd-handshake.js';
import { StreamSocket } from './stream-socket.js';
import { slotOf, Window } from './window.js';

/** Milliseconds without any answer after which the server counts as dead. */
const PATIENCE = 5000;
/** One answer in so many is compared in full, as often as in the generator for AoE. */
const COMPARE = 64;

/** Loads an NBD export over one connection with as many requests as `depth` says, and counts. */
export async function generateNbd(load: NbdLoad): Promise<LoadFigures> {
  const [c, fast] = await Promise.all([libc(), calls()]);
  const socket = new StreamSocket(c, fast, load.port, load.netns, PATIENCE);
  try {
    const size = chooseExport(socket, load.export);
    if (size < load.sectors * SECTOR) {
      throw new LabError({ tried: 'loading an NBD export', happened: `it has ${size} bytes only` });
    }
    return new Generator(c, fast, socket.fd, load).run();
  } finally {
    socket.close();
  }
}

class Generator {
  readonly #calls: Calls;
  readonly #fd: number;
  readonly #load: NbdLoad;
  readonly #counters = new Counters();
  readonly #window: Window;
  /** A request and its data in each slot. */
  readonly #out: Messages;
  /** A struct msghdr (as in messages.ts, without the length behind it), and the vectors it points at. */
  readonly #message = new BigUint64Array(7);
  readonly #messageAddress: number;
  readonly #batch: Uint32Array;
  /** What was received and not yet taken, at the start of a buffer. */
  readonly #in: Buffer;
  readonly #inAddress: number;
  #have = 0;
  #reads = 0;

  constructor(c: Libc, fast: Calls, fd: number, load: NbdLoad) {
    this.#calls = fast;
    this.#fd = fd;
    this.#load = load;
    this.#window = new Window(load);
    const { depth, size } = load;
    this.#out = new Messages(c, depth, REQUEST + size, REQUEST + size);
    this.#batch = new Uint32Array(depth * 4);
    this.#messageAddress = c.addressOf(new Uint8Array(this.#message.buffer));
    this.#message[2] = BigInt(c.addressOf(new Uint8Array(this.#batch.buffer)));
    this.#in = Buffer.alloc(Math.max(1 << 18, (REPLY + size) * 8));
    this.#inAddress = c.addressOf(this.#in);
    for (let slot = 0; slot < depth; slot++) {
      const at = slot * this.#out.stride * 4;
      this.#out.bytes.writeUInt32BE(REQUEST_MAGIC, at);
      this.#out.bytes.writeUInt32BE(size, at + 24);
      fillSectors(this.#out.bytes.subarray(at + REQUEST, at + REQUEST + size), 0, load.mark);
    }
  }

  run(): LoadFigures {
    const { warmUp, time, depth } = this.#load;
    let now = performance.now();
    for (let slot = 0; slot < depth; slot++) this.#prepare(slot, now);
    this.#send();
    this.#go(now + warmUp, true);
    now = performance.now();
    this.#counters.begin(now);
    const end = this.#go(now + time, true);
    const figures = this.#counters.end(end);
    this.#go(end + PATIENCE, false);
    return this.#counters.close(figures, this.#window.outstanding);
  }

  #go(until: number, on: boolean): number {
    let now = performance.now();
    while (now < until && this.#window.outstanding > 0) {
      const space = this.#in.length - this.#have;
      const got = this.#calls.recv(this.#fd, this.#inAddress + this.#have, space, 0);
      now = performance.now();
      if (got <= 0) throw this.#ended(got);
      this.#have += got;
      this.#takeAll(now, on);
      if (this.#window.due > 0) this.#send();
    }
    return now;
  }

  /** Takes the whole replies in the buffer; what is left of the last one moves to its start. */
  #takeAll(now: number, on: boolean): void {
    let at = 0;
    while (this.#have - at >= REPLY) {
      const slot = slotOf(this.#in.readUInt32BE(at + 12));
      const failed = this.#in.readUInt32BE(at + 4) !== 0;
      const data = failed || this.#window.isWrite[slot] === 1 ? 0 : this.#load.size;
      if (this.#have - at < REPLY + data) break;
      this.#take(at, slot, failed, now, on);
      at += REPLY + data;
    }
    if (at > 0) this.#in.copyWithin(0, at, this.#have);
    this.#have -= at;
  }

  #take(at: number, slot: number, failed: boolean, now: number, on: boolean): void {
    const cookie = this.#in.readUInt32BE(at + 12);
    if (this.#in.readUInt32BE(at) !== REPLY_MAGIC || !this.#window.close(slot, cookie)) {
      throw new LabError({
        tried: 'speaking NBD',
        happened: `an answer nobody asked for: ${this.#in.toString('hex', at, at + REPLY)}`,
      });
    }
    const lba = this.#window.lba[slot] as number;
    if (failed) {
      this.#counters.note('errors', () => `sector ${lba}: error ${this.#in.readUInt32BE(at + 4)}`);
    } else if (this.#window.isWrite[slot] === 1) {
      this.#counters.acknowledged(lba);
    } else {
      this.#judge(at + REPLY, lba);
    }
    this.#counters.record(now - (this.#window.sent[slot] as number));
    if (on) this.#prepare(slot, now);
  }

  #judge(at: number, lba: number): void {
    if (this.#in.readUInt32LE(at) !== lba) {
      this.#counters.note('wrong', () => `sector ${lba}: data of sector ${this.#in.readUInt32LE(at)}`);
    } else if (this.#reads++ % COMPARE === 0) {
      this.#counters.compared++;
      if (!isContent(this.#in.subarray(at, at + this.#load.size), lba)) {
        this.#counters.note('wrong', () => `sector ${lba}: other data than the file holds`);
      }
    }
  }

  #prepare(slot: number, now: number): void {
    const { bytes, stride } = this.#out;
    const cookie = this.#window.open(slot, now);
    const lba = this.#window.lba[slot] as number;
    const write = this.#window.isWrite[slot] === 1;
    const at = slot * stride * 4;
    bytes.writeUInt16BE(write ? NbdCommand.write : NbdCommand.read, at + 6);
    bytes.writeUInt32BE(cookie, at + 12);
    bytes.writeUInt32BE(Math.floor((lba * SECTOR) / 2 ** 32), at + 16);
    bytes.writeUInt32BE((lba * SECTOR) % 2 ** 32, at + 20);
    if (!write) return;
    for (let sector = 0; sector < this.#window.sectors; sector++) {
      bytes.writeUInt32LE(lba + sector, at + REQUEST + sector * SECTOR);
    }
  }

  /** Sends all that is queued by one call. */
  #send(): void {
    const { queue, isWrite, due } = this.#window;
    const { vectors } = this.#out;
    this.#window.due = 0;
    let bytes = 0;
    for (let index = 0; index < due; index++) {
      const slot = queue[index] as number;
      const length = isWrite[slot] === 1 ? REQUEST + this.#load.size : REQUEST;
      this.#batch[index * 4] = vectors[slot * 4] as number;
      this.#batch[index * 4 + 1] = vectors[slot * 4 + 1] as number;
      this.#batch[index * 4 + 2] = length;
      bytes += length;
    }
    this.#message[3] = BigInt(due);
    if (this.#calls.sendmsg(this.#fd, this.#messageAddress, 0) !== bytes) throw this.#ended(-1);
  }

  #ended(result: number): LabError {
    const tried = 'speaking NBD';
    if (result === 0) return new LabError({ tried, happened: 'the server closed the connection' });
    return libcError(tried, 'a call on the connection', this.#calls.errno());
  }
}

import { type Libc, libc, libcError } from '../../base/libc/libc.js';
import { ATA_DATA_OFFSET } from '../../wire/aoe/ata.js';
import { type Mac, MIN_FRAME } from '../../wire/aoe/ethernet.js';
import { SECTOR } from '../../wire/aoe/index.js';
import {
  ATA_ERROR,
  describeErrorAnswer,
  FINE,
  prepareFrames,
  RESPONSE,
  sourceWords,
  Word,
} from './aoe-words.js';
import { type Calls, calls } from './calls.js';
import { isContent } from './content.js';
import { Counters } from './counters.js';
import type { AoeLoad, LoadFigures } from './load.js';
import { HEADER_WORDS, LENGTH, Messages } from './messages.js';
import { openPacketSocket } from './packet-socket.js';
import { Patience } from './patience.js';
import { slotOf, Window } from './window.js';

/** Milliseconds that a call for frames waits, and that pass at least between looks for lost requests. */
const WAIT = 10;
/** Frames a call brings at most. */
const BATCH = 64;
/** Bytes of an answer that are usually copied: its headers and the first sector's number. */
const GLANCE = ATA_DATA_OFFSET + 8;
/** One call in so many brings whole frames, which are then compared. */
const COMPARE = 64;
const MSG_TRUNC = 0x20;
const MSG_WAITFORONE = 0x10000;
const EINTR = 4;
const EAGAIN = 11;
const ENOBUFS = 105;

/**
 * Loads an AoE target with as many requests as `depth` says, whatever buffer count it advertises, and counts.
 * Nothing is allocated for a request. The process does nothing else meanwhile.
 */
export async function generateAoe(load: AoeLoad): Promise<LoadFigures> {
  const [c, fast] = await Promise.all([libc(), calls()]);
  const { fd, facts } = openPacketSocket(c, load.iface, load.netns, WAIT);
  try {
    return new Generator(c, fast, fd, facts.mac, load).run();
  } finally {
    c.close(fd);
  }
}

class Generator {
  readonly #calls: Calls;
  readonly #fd: number;
  readonly #load: AoeLoad;
  readonly #counters = new Counters();
  readonly #patience = new Patience();
  readonly #window: Window;
  readonly #out: Messages;
  readonly #glances: Messages;
  readonly #wholes: Messages;
  /** What makes a frame a read or a write. */
  readonly #kinds: { read: number; write: number };
  readonly #target: { first: number; rest: number };

  constructor(c: Libc, fast: Calls, fd: number, mac: Mac, load: AoeLoad) {
    this.#calls = fast;
    this.#fd = fd;
    this.#load = load;
    this.#target = sourceWords(load.mac);
    this.#window = new Window(load);
    const frame = ATA_DATA_OFFSET + load.size;
    this.#out = new Messages(c, load.depth, frame, frame);
    this.#glances = new Messages(c, BATCH, GLANCE, GLANCE);
    this.#wholes = new Messages(c, BATCH, frame, frame);
    this.#kinds = prepareFrames(this.#out, load, mac);
  }

  run(): LoadFigures {
    const { warmUp, time, depth } = this.#load;
    let now = performance.now();
    for (let slot = 0; slot < depth; slot++) this.#prepare(slot, now);
    this.#send(now);
    this.#go(now + warmUp, true);
    now = performance.now();
    this.#counters.begin(now);
    const end = this.#go(now + time, true);
    const figures = this.#counters.end(end);
    this.#go(end + this.#patience.limit * 3, false);
    return this.#counters.close(figures, this.#window.outstanding);
  }

  /**
   * Receives until a time, or until nothing is outstanding.
   * @param on whether each answer is followed by a new request
   */
  #go(until: number, on: boolean): number {
    let now = performance.now();
    let look = now + WAIT;
    let rounds = 0;
    while (now < until && this.#window.outstanding > 0) {
      const whole = rounds++ % COMPARE === 0;
      const into = whole ? this.#wholes : this.#glances;
      const flags = MSG_WAITFORONE | MSG_TRUNC;
      const count = this.#calls.recvmmsg(this.#fd, into.address, BATCH, flags, 0);
      now = performance.now();
      if (count < 0) this.#check('recvmmsg');
      for (let index = 0; index < count; index++) this.#take(into, index, now, whole, on);
      if (now > look) {
        look = now + WAIT;
        this.#repeatLost(now);
      }
      if (this.#window.due > 0) this.#send(now);
    }
    return now;
  }

  #take(from: Messages, index: number, now: number, whole: boolean, on: boolean): void {
    const { words } = from;
    const at = index * from.stride;
    const kind = words[at + Word.typeAndVersion] as number;
    // Requests of others on the wire.
    if ((kind & RESPONSE) === 0) return;
    // Whoever else answers was not asked.
    if (words[at + Word.source] !== this.#target.rest) return;
    if ((words[at + Word.middle] as number) >>> 16 !== this.#target.first) return;
    const tag = words[at + Word.tag] as number;
    const slot = slotOf(tag);
    if (!this.#window.close(slot, tag)) {
      this.#counters.late++;
      return;
    }
    const latency = now - (this.#window.sent[slot] as number);
    if (this.#window.repeated[slot] === 0) this.#patience.heard(latency);
    const lba = this.#window.lba[slot] as number;
    if (kind !== FINE || ((words[at + Word.ata] as number) & ATA_ERROR) !== 0) {
      this.#counters.note('errors', () => describeErrorAnswer(words, at, lba));
    } else if (this.#window.isWrite[slot] === 1) {
      this.#counters.acknowledged(lba);
    } else {
      this.#judge(from, index, lba, whole);
    }
    this.#counters.record(latency);
    if (on) this.#prepare(slot, now);
  }

  /** Looks at the data of an answer: its length and first number, or all of it. */
  #judge(from: Messages, index: number, lba: number, whole: boolean): void {
    const { size } = this.#load;
    const at = index * from.stride;
    const length = from.headers[index * HEADER_WORDS + LENGTH] as number;
    if (length < ATA_DATA_OFFSET + size) {
      this.#counters.note('wrong', () => `sector ${lba}: an answer of ${length} bytes`);
    } else if (from.words[at + Word.data] !== lba) {
      this.#counters.note('wrong', () => `sector ${lba}: data of sector ${from.words[at + Word.data]}`);
    } else if (whole) {
      this.#counters.compared++;
      const start = at * 4 + ATA_DATA_OFFSET;
      if (!isContent(from.bytes.subarray(start, start + size), lba)) {
        this.#counters.note('wrong', () => `sector ${lba}: other data than the file holds`);
      }
    }
  }

  /** Makes a new request in a slot. */
  #prepare(slot: number, now: number): void {
    const { words, stride, vectors } = this.#out;
    const at = slot * stride;
    words[at + Word.tag] = this.#window.open(slot, now);
    const lba = this.#window.lba[slot] as number;
    words[at + Word.lba] = lba;
    if (this.#window.isWrite[slot] === 0) {
      words[at + Word.ata] = this.#kinds.read;
      vectors[slot * 4 + 2] = MIN_FRAME;
      return;
    }
    words[at + Word.ata] = this.#kinds.write;
    vectors[slot * 4 + 2] = ATA_DATA_OFFSET + this.#load.size;
    for (let sector = 0; sector < this.#window.sectors; sector++) {
      words[at + Word.data + sector * (SECTOR / 4)] = lba + sector;
    }
  }

  /** Sends all that is queued. */
  #send(now: number): void {
    const { queue, sent, due } = this.#window;
    this.#window.due = 0;
    for (let index = 0; index < due; index++) {
      const slot = queue[index] as number;
      this.#out.point(index, slot);
      sent[slot] = now;
    }
    for (let done = 0; done < due; ) {
      const address = this.#out.address + done * HEADER_WORDS * 4;
      const count = this.#calls.sendmmsg(this.#fd, address, due - done, 0);
      if (count < 0) this.#check('sendmmsg');
      else done += count;
    }
  }

  #repeatLost(now: number): void {
    const { awaited, sent } = this.#window;
    const before = now - this.#patience.limit;
    for (let slot = 0; slot < awaited.length; slot++) {
      if (awaited[slot] === 0 || (sent[slot] as number) > before) continue;
      this.#counters.repeated++;
      this.#window.repeat(slot);
    }
  }

  /** @throws LabError unless the call only had nothing to do, or can be made again */
  #check(call: string): void {
    const errno = this.#calls.errno();
    if (errno === EINTR || errno === EAGAIN || errno === ENOBUFS) return;
    throw libcError(`loading e${this.#load.shelf}.${this.#load.slot}`, call, errno);
  }
}

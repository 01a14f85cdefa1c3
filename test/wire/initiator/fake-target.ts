import {
  AtaCommand,
  type AtaFrame,
  buildFrame,
  type ConfigFrame,
  encodeIdentify,
  type Frame,
  type Identify,
  parseFrame,
  responseHeader,
  SECTOR,
} from '../../../src/wire/aoe/index.js';
import type { Link } from '../../../src/wire/link/index.js';

/** What becomes of a frame: how many copies pass, and after how many turns of the event loop each. */
export type Fate = readonly number[];

export interface FakeOptions {
  shelf?: number;
  slot?: number;
  sectors?: number;
  bufferCount?: number;
  maxSectors?: number;
  identify?: Partial<Identify>;
  /** ATA commands it refuses with ABRT. */
  refused?: readonly number[];
  /** Fate of a request on its way in, and of its answer on the way out; both pass at once otherwise. */
  fateIn?: (frame: Frame) => Fate;
  fateOut?: (frame: Frame) => Fate;
  /** Turns of the event loop that it thinks before it answers, so that requests pile up. */
  thinks?: number;
  /** Answers in its place; undefined leaves it to the fake. */
  answer?: (request: Frame) => Frame | undefined;
}

/** A FAKE target for tests of the initiator: a disk in memory that can lose, repeat, delay and reorder frames. */
export class FakeTarget {
  readonly disk: Buffer;
  /** Requests of every kind that reached it, repeated ones too. */
  readonly requests: Frame[] = [];
  /** Most different requests that it held unanswered at one time. */
  mostUnderWay = 0;
  configString: Buffer = Buffer.alloc(0);
  deaf = false;
  readonly options: FakeOptions;
  readonly #link: Link;
  readonly #underWay = new Set<number>();
  readonly #seen = new Set<number>();

  constructor(link: Link, options: FakeOptions = {}) {
    this.#link = link;
    this.options = options;
    this.disk = Buffer.alloc((options.sectors ?? 64) * SECTOR);
    link.onFrame = (bytes) => this.#receive(Buffer.from(bytes));
  }

  /** The ATA requests that reached it, each once. */
  get ataRequests(): AtaFrame[] {
    const byTag = new Map<number, AtaFrame>();
    for (const frame of this.requests) if (frame.kind === 'ata') byTag.set(frame.header.tag, frame);
    return [...byTag.values()];
  }

  #receive(bytes: Buffer): void {
    const frame = parseFrame(bytes);
    if (this.deaf || frame.kind === 'fault' || frame.header.flags & 8) return;
    const { major, minor } = frame.header;
    const { shelf, slot } = this.#address;
    if (![shelf, 0xffff].includes(major) || ![slot, 0xff].includes(minor)) return;
    for (const turns of this.options.fateIn?.(frame) ?? [0]) later(turns, () => this.#handle(frame));
  }

  #handle(frame: Frame): void {
    this.requests.push(frame);
    // One that it has answered before is no longer under way, though it comes again.
    if (!this.#seen.has(frame.header.tag)) this.#underWay.add(frame.header.tag);
    this.#seen.add(frame.header.tag);
    this.mostUnderWay = Math.max(this.mostUnderWay, this.#underWay.size);
    later(this.options.thinks ?? 0, () => {
      this.#underWay.delete(frame.header.tag);
      const answer = this.options.answer?.(frame) ?? this.#answer(frame);
      if (answer === undefined) return;
      for (const turns of this.options.fateOut?.(answer) ?? [0]) {
        later(turns, () => this.#link.send(buildFrame(answer)));
      }
    });
  }

  get #address(): { shelf: number; slot: number } {
    return { shelf: this.options.shelf ?? 0, slot: this.options.slot ?? 1 };
  }

  /** An answer's envelope. */
  envelope(request: Frame, error = 0): Pick<Frame, 'ethernet' | 'header'> {
    const { shelf, slot } = this.#address;
    return {
      ethernet: { destination: request.ethernet.source, source: this.#link.mac },
      header: responseHeader(request.header, shelf, slot, error),
    };
  }

  #answer(request: Frame): Frame | undefined {
    if (request.kind === 'ata') return this.#ata(request);
    if (request.kind === 'config') return this.#config(request);
    return undefined;
  }

  #config(request: ConfigFrame): ConfigFrame | undefined {
    const { ccmd, string } = request.config;
    let error = 0;
    if (ccmd === 1 && !string.equals(this.configString)) return undefined;
    if (ccmd === 2 && !string.equals(this.configString.subarray(0, string.length))) return undefined;
    if (ccmd === 3 && this.configString.length > 0) error = 4;
    if (ccmd === 4 || (ccmd === 3 && error === 0)) this.configString = Buffer.from(string);
    return {
      ...this.envelope(request, error),
      kind: 'config',
      config: {
        bufferCount: this.options.bufferCount ?? 16,
        firmware: 0x4019,
        sectorCount: this.options.maxSectors ?? 2,
        version: 1,
        ccmd,
        string: this.configString,
      },
    };
  }

  #ata(request: AtaFrame): AtaFrame {
    const { count, cmdStatus: command, lba } = request.ata;
    const done = (data: Buffer = Buffer.alloc(0)): AtaFrame => ({
      ...this.envelope(request),
      kind: 'ata',
      ata: { ...request.ata, errFeature: 0, cmdStatus: 0x40, count: 0 },
      data,
    });
    const failed = (errFeature: number): AtaFrame => ({
      ...done(),
      ata: { ...request.ata, errFeature, cmdStatus: 0x41 },
    });
    const start = lba * SECTOR;
    const end = start + count * SECTOR;
    if (this.options.refused?.includes(command)) return failed(0x04);
    switch (command) {
      case AtaCommand.identifyDevice:
        return done(encodeIdentify(this.#identity()));
      case AtaCommand.readSectors:
      case AtaCommand.readSectorsExt:
        return end > this.disk.length ? failed(0x10) : done(this.disk.subarray(start, end));
      case AtaCommand.writeSectors:
      case AtaCommand.writeSectorsExt:
        if (end > this.disk.length) return failed(0x10);
        this.disk.set(request.data, start);
        return done();
      case AtaCommand.flushCache:
      case AtaCommand.flushCacheExt:
        return done();
      default:
        return failed(0x04);
    }
  }

  #identity(): Identify {
    const sectors = this.disk.length / SECTOR;
    return {
      model: 'Fake for tests',
      serial: 'F-1',
      firmwareRevision: 'F1',
      lba48: true,
      lba28Sectors: sectors,
      lba48Sectors: sectors,
      flush: false,
      flushExt: false,
      ...this.options.identify,
    };
  }
}

/** Calls back after some turns of the event loop; at once for 0. */
function later(turns: number, callback: () => void): void {
  if (turns === 0) callback();
  else setImmediate(() => later(turns - 1, callback));
}

/** Numbers from 0 to 1, the same in every run. */
export function repeatable(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

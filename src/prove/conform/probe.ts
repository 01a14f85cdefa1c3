import { setTimeout as sleep } from 'node:timers/promises';
import {
  AtaCommand,
  AtaFlag,
  ConfigCommand,
  describeFault,
  formatAddress,
  type Mac,
  MaskCommand,
  parseFrame,
  ReserveCommand,
  SECTOR,
} from '../../wire/aoe/index.js';
import type { CaseLimit } from './case-limit.js';
import { content } from './content.js';
import type { Dut, DutExport } from './dut.js';
import { Expectations } from './expect.js';
import type { Facts } from './facts.js';
import { CaseFault, SkipCase } from './fault.js';
import { Frames } from './frames.js';
import type { Answer, WireLog } from './wire-log.js';

/** Milliseconds until a request is sent again, as initiators do. */
const RESEND = 200;
/** Milliseconds that an answer may take after one to a later plain query came. */
const LATE = 150;
/** The same of a request that a target may answer only when something is on its disk. */
const LATE_ON_DISK = 1000;
/** Milliseconds that a plain query may take before the target counts as dead. */
export const PULSE = 1500;
/** Milliseconds of silence, after a later plain query was answered, that count as no answer. */
const GRACE = 60;

/** Where other initiators seem to sit; a veth end hears answers to any address. */
export const OTHER: Mac = 0x02_00_00_0a_0e_01;
export const THIRD: Mac = 0x02_00_00_0a_0e_02;

/** What a case works with: frames out, answers in, the backing file, and what to expect of them. */
export class Probe extends Expectations {
  readonly dut: Dut;
  readonly log: WireLog;
  readonly facts: Facts;
  /** Requests to the main export. */
  readonly to: Frames;
  /** This side's address. */
  readonly own: Mac;
  readonly #limit: CaseLimit;
  #undo: (() => Promise<unknown>)[] = [];

  constructor(dut: Dut, log: WireLog, facts: Facts, limit: CaseLimit) {
    super();
    this.#limit = limit;
    this.dut = dut;
    this.log = log;
    this.facts = facts;
    this.own = dut.link.mac;
    this.to = this.toExport(dut.main);
  }

  /** Sectors of the main export. */
  get sectors(): number {
    return this.dut.main.sectors;
  }

  /** Most sectors a frame. */
  get most(): number {
    return this.facts.sectorsPerFrame;
  }

  toExport(of: DutExport): Frames {
    return new Frames(this.own, this.facts.mac, of.address);
  }

  get readOnly(): DutExport {
    return this.#required(this.dut.readOnly, 'the target has no read-only exports');
  }

  get big(): DutExport {
    return this.#required(this.dut.big, 'no file beyond 128 GiB can be made here');
  }

  /** Ends the target at once, as a power cut would; `revive` brings it back. Neither counts as time of the case. */
  kill(): Promise<void> {
    return this.#limit.apart(() => this.dut.kill());
  }

  /** Restarts the target. @throws LabError if it can't be brought back */
  revive(): Promise<void> {
    return this.#limit.apart(() => this.dut.revive());
  }

  skip(reason: string): never {
    throw new SkipCase(reason);
  }

  /** Something to be undone when the case has ended in any way, last first. */
  later(undo: () => Promise<unknown>): void {
    this.#undo.push(undo);
  }

  async undoAll(): Promise<void> {
    for (let undo = this.#undo.pop(); undo !== undefined; undo = this.#undo.pop())
      await undo().catch(() => {});
  }

  /**
   * Sends a request and waits for its answer; sends it once more where none comes, unless `once`.
   * @throws CaseFault if none comes, or it can't be read
   */
  async ask(bytes: Buffer, { once = false } = {}): Promise<Answer> {
    const tag = tagOf(bytes);
    await this.log.send(bytes);
    const came = () => this.log.answers(tag).length > 0 || this.log.unreadable(tag).length > 0;
    if (!(await this.log.until(came, RESEND))) {
      if (!once) await this.log.send(bytes);
      const isAlive = await this.pulse(came);
      if (!(await this.log.until(came, isAlive ? patience(bytes) : 0))) {
        this.fail(
          isAlive
            ? 'no answer, though a plain query after it was answered'
            : 'no answer, nor one to a plain query',
        );
      }
    }
    const [answer] = this.log.answers(tag);
    if (answer === undefined) {
      const [fault] = this.log.unreadable(tag);
      this.fail(`its answer can't be read: ${fault ? describeFault(fault) : '?'}`);
    }
    return answer;
  }

  /**
   * Sends requests at once and waits for the answers to all, sending again what is not answered.
   * @returns the answers in the order of the requests
   */
  async askAll(requests: readonly Buffer[]): Promise<Answer[]> {
    let open = requests;
    for (let tries = 0; tries < 8; tries++) {
      for (const request of open) await this.log.send(request);
      await this.log.until(
        () => open.every((request) => this.log.answers(tagOf(request)).length > 0),
        RESEND,
      );
      open = open.filter((request) => this.log.answers(tagOf(request)).length === 0);
      if (open.length === 0) return requests.map((request) => this.log.answers(tagOf(request))[0] as Answer);
    }
    this.fail(`${open.length} of ${requests.length} requests were not answered, each sent 8 times`);
  }

  /** Whether the target answers a plain query in time; ends early once `enough` holds. */
  async pulse(enough: () => boolean = () => false): Promise<boolean> {
    const deadline = performance.now() + PULSE;
    const tags: number[] = [];
    const met = () => enough() || tags.some((tag) => this.log.answers(tag).length > 0);
    while (performance.now() < deadline) {
      const query = this.to.config();
      tags.push(tagOf(query));
      await this.log.send(query, true).catch(() => {});
      if (await this.log.until(met, RESEND)) return true;
    }
    return false;
  }

  /**
   * Sends frames and waits until a plain query after them is answered, and a moment more.
   * @returns what answered them
   * @throws CaseFault if the query is not answered
   */
  async untilQuiet(...requests: Buffer[]): Promise<Answer[]> {
    for (const request of requests) await this.log.send(request);
    if (!(await this.pulse())) this.fail('a plain query after it was not answered');
    await sleep(GRACE);
    return requests.flatMap((request) => this.log.answers(tagOf(request)));
  }

  /** Sends frames that must not be answered. */
  async silent(...requests: Buffer[]): Promise<void> {
    for (const answer of await this.untilQuiet(...requests)) {
      this.fail(`it was answered: ${this.words(answer)}`);
    }
  }

  /** Sends frames that must be refused with an error or not be answered; the target has to live on. */
  async refusedOrSilent(...requests: Buffer[]): Promise<void> {
    for (const answer of await this.untilQuiet(...requests)) {
      if (!this.isRefusal(answer)) this.fail(`it was answered without an error: ${this.words(answer)}`);
    }
  }

  /** Reads sectors of the main export over the wire. */
  async read(lba: number, count: number, wide = true): Promise<Buffer> {
    return this.data(await this.ask(this.to.read(lba, count, wide)), count);
  }

  async write(lba: number, data: Buffer, wide = true): Promise<void> {
    this.ataDone(await this.ask(this.to.write(lba, data, wide)));
  }

  /** That sectors of the main export's file are these. */
  async fileHolds(lba: number, data: Buffer): Promise<void> {
    const there = await this.dut.readBacking(this.dut.main, lba, data.length / SECTOR);
    this.sameBytes(there, data, `sectors ${lba} to ${lba + data.length / SECTOR - 1} of the file`);
  }

  /** That the main export's file has its known content and size. */
  async fileUntouched(): Promise<void> {
    const size = await this.dut.backingSize(this.dut.main);
    this.equal(size, this.sectors * SECTOR, 'bytes of the file');
    const there = await this.dut.readBacking(this.dut.main, 0, this.sectors);
    const known = content(0, this.sectors);
    for (let lba = 0; lba < this.sectors; lba++) {
      const start = lba * SECTOR;
      if (there.compare(known, start, start + SECTOR, start, start + SECTOR) !== 0) {
        this.fail(`sector ${lba} of the file was changed`);
      }
    }
  }

  #required(of: DutExport | undefined, reason: string): DutExport {
    if (of === undefined) throw new SkipCase(reason);
    return of;
  }

  override fail(seen: string): never {
    throw new CaseFault(seen);
  }

  get name(): string {
    return formatAddress(this.dut.main.address);
  }
}

/** The tag of a frame; 0 of one that ends before it. */
export function tagOf(bytes: Buffer): number {
  return bytes.length >= 24 ? bytes.readUInt32BE(20) : 0;
}

/** Milliseconds that an answer may take though a later query was answered. */
function patience(request: Buffer): number {
  const frame = parseFrame(request);
  switch (frame.kind) {
    case 'ata': {
      const { cmdStatus, flags } = frame.ata;
      const isFlush = cmdStatus === AtaCommand.flushCache || cmdStatus === AtaCommand.flushCacheExt;
      return isFlush || flags & AtaFlag.write ? LATE_ON_DISK : LATE;
    }
    case 'config':
      return frame.config.ccmd === ConfigCommand.set || frame.config.ccmd === ConfigCommand.forceSet
        ? LATE_ON_DISK
        : LATE;
    case 'mask':
      return frame.mask.mcmd === MaskCommand.edit ? LATE_ON_DISK : LATE;
    case 'reserve':
      return frame.reserve.rcmd === ReserveCommand.read ? LATE : LATE_ON_DISK;
    default:
      return LATE;
  }
}

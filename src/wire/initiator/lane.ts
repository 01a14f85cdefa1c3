import type { LabError } from '../../base/errors.js';
import { type Address, type Frame, type Mac, writeMac } from '../aoe/index.js';
import type { Link } from '../link/link.js';
import { Echo } from './echo.js';
import { type Initiator, initiatorOf, type Request } from './initiator.js';
import { Pace } from './pace.js';
import { fittingSectors } from './sectors.js';
import type { Extent, Work } from './work.js';

/** A way to a target. */
export interface Path {
  link: Link;
  /** The target's address there; undefined if it has not been found there yet. */
  mac: Mac | undefined;
}

/** How a path fares, as reports show it. */
export interface PathReport {
  link: string;
  mac: Mac | undefined;
  /** Whether requests go there now; one that fell silent is left and tried again later. */
  isUsed: boolean;
  /** Requests answered there. */
  answered: number;
  /** How often it was left. */
  left: number;
  /** Why it is not used. */
  trouble: string | undefined;
}

export interface LaneOutcome {
  onAnswer(frame: Frame): void;
  onFailure(error: LabError): void;
}

/** A path with the requests that are under way on it and the pace that it bears. */
export class Lane {
  readonly link: Link;
  readonly initiator: Initiator;
  mac: Mac | undefined;
  isUsed: boolean;
  trouble: string | undefined;
  /** Why what answers there now is not taken: another disk. */
  refusal: LabError | undefined;
  pace: Pace;
  /** How often it has been held without an answer since. */
  holds = 0;
  answered = 0;
  left = 0;
  /** Milliseconds until it is tried again when it is left next. */
  pause: number;
  /** The target's. */
  readonly address: Address;
  readonly #frameLength: number;
  /** What its answers repeat. */
  readonly echo = new Echo();
  /** In the order of sending. */
  readonly #underWay = new Map<Work, Sending>();
  /** Memory of frames that are not under way. */
  readonly #free: Buffer[] = [];
  readonly #firstPause: number;
  #lastHeard = Number.NEGATIVE_INFINITY;
  #answeredBefore = 0;

  /**
   * @param most requests under way
   * @param frameLength most bytes of a frame
   * @param pause milliseconds until a path that was left is tried again, the first time
   */
  constructor(path: Path, address: Address, most: number, frameLength: number, pause: number) {
    this.link = path.link;
    this.mac = path.mac;
    this.isUsed = path.mac !== undefined;
    this.initiator = initiatorOf(path.link);
    this.pace = new Pace(most);
    this.pause = pause;
    this.#firstPause = pause;
    this.address = address;
    this.#frameLength = frameLength;
  }

  /** Requests under way. */
  get load(): number {
    return this.#underWay.size;
  }

  get report(): PathReport {
    const { link, mac, answered, left, trouble } = this;
    return { link: link.name, mac, isUsed: this.isUsed && !this.isHeld, answered, left, trouble };
  }

  /** @throws LabError if the link can't send any more */
  send(work: Work, timeout: number, outcome: LaneOutcome): void {
    const mac = this.mac as Mac;
    const memory = this.#free.pop() ?? Buffer.allocUnsafeSlow(this.#frameLength);
    const bytes = memory.subarray(0, work.write(memory));
    // Whoever wrote it knows no paths.
    writeMac(mac, bytes, 0);
    writeMac(this.link.mac, bytes, 6);
    const sending = new Sending(this, work, outcome, memory, bytes, timeout);
    this.#underWay.set(work, sending);
    try {
      sending.withdraw = this.initiator.submit(sending);
    } catch (error) {
      this.over(sending);
      throw error;
    }
  }

  /** @internal */
  heard(sending: Sending): void {
    this.#lastHeard = performance.now();
    this.answered++;
    this.holds = 0;
    this.over(sending);
  }

  /** @internal */
  over({ work, memory }: Sending): void {
    this.#underWay.delete(work);
    this.#free.push(memory);
  }

  /**
   * Whether requests wait here and nothing at all has been heard for some time; those with a time limit of their own
   * don't count.
   * @param away milliseconds that don't count, because nobody listened
   */
  isSilent(now: number, milliseconds: number, away: number): boolean {
    this.#lastHeard += away;
    for (const entry of this.#underWay.values()) entry.since += away;
    if (now - this.#lastHeard < milliseconds) return false;
    for (const [work, { since }] of this.#underWay) {
      if (work.timeout === undefined) return now - since >= milliseconds;
    }
    return false;
  }

  get isHeld(): boolean {
    return this.pace.isHeld;
  }

  /** Whether the link does not carry so many sectors any more: its MTU was lowered. */
  isNarrower(sectors: number): boolean {
    return fittingSectors(this.link.mtu, 255) < sectors;
  }

  /** Sends and repeats nothing more until it is resumed: those who answer next may be others. */
  hold(): void {
    this.pace.isHeld = true;
    this.holds++;
  }

  /** Goes on with the same station. */
  resume(): void {
    this.pace.isHeld = false;
    this.#lastHeard = performance.now();
    this.trouble = undefined;
    this.refusal = undefined;
  }

  /** The request that is under way for the longest time and moves data. */
  get oldest(): Extent | undefined {
    for (const { extent } of this.#underWay.keys()) if (extent) return extent;
    return undefined;
  }

  /** Withdraws what moves more sectors. @returns what was withdrawn, in the order of sending */
  withdrawAbove(sectors: number): [work: Work, since: number][] {
    const works: [Work, number][] = [];
    for (const [work, entry] of this.#underWay) {
      if (work.extent === undefined || work.extent.sectors <= sectors) continue;
      works.push([work, entry.since]);
      this.#withdraw(entry);
    }
    return works;
  }

  /** Takes the path out of use. @returns what was under way there and since when, in the order of sending */
  leave(trouble: string): [work: Work, since: number][] {
    this.isUsed = false;
    this.trouble = trouble;
    this.left++;
    // One that falls silent again and again, such as one that loses long frames only, is tried ever more seldom.
    if (this.answered - this.#answeredBefore >= PROVEN) this.pause = this.#firstPause;
    const works: [Work, number][] = [];
    for (const [work, entry] of this.#underWay) {
      works.push([work, entry.since]);
      this.#withdraw(entry);
    }
    return works;
  }

  /** Takes it into use, again or for the first time. */
  use(mac: Mac): void {
    this.mac = mac;
    this.isUsed = true;
    this.trouble = undefined;
    this.refusal = undefined;
    this.#lastHeard = performance.now();
    this.pace = new Pace(this.pace.most);
    this.#answeredBefore = this.answered;
  }

  #withdraw(sending: Sending): void {
    sending.withdraw();
    this.over(sending);
  }
}

/** A request that is under way on a path. */
class Sending implements Request {
  readonly work: Work;
  readonly memory: Buffer;
  readonly bytes: Buffer;
  readonly mac: Mac;
  readonly address: Address;
  readonly pace: Pace;
  readonly echo: Echo;
  readonly timeout: number;
  since = performance.now();
  withdraw: () => void = nothing;
  readonly #lane: Lane;
  readonly #outcome: LaneOutcome;

  constructor(lane: Lane, work: Work, outcome: LaneOutcome, memory: Buffer, bytes: Buffer, timeout: number) {
    this.#lane = lane;
    this.work = work;
    this.#outcome = outcome;
    this.memory = memory;
    this.bytes = bytes;
    this.mac = lane.mac as Mac;
    this.address = lane.address;
    this.pace = lane.pace;
    this.echo = lane.echo;
    this.timeout = timeout;
  }

  get tried(): string {
    return this.work.tried;
  }

  get command(): number {
    return this.work.command;
  }

  onAnswer(frame: Frame): void {
    this.#lane.heard(this);
    this.#outcome.onAnswer(frame);
  }

  onFailure(error: LabError): void {
    this.#lane.over(this);
    this.#outcome.onFailure(error);
  }
}

function nothing(): void {}

/** Answers after which a path counts as sound. */
const PROVEN = 64;

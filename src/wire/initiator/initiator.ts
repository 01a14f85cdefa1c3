import { LabError } from '../../base/errors.js';
import {
  type Address,
  ALL_SHELVES,
  ALL_SLOTS,
  Command,
  describeFault,
  type Fault,
  type Frame,
  HeaderFlag,
  type Mac,
  parseFrame,
  readMac,
} from '../aoe/index.js';
import type { Link } from '../link/link.js';
import type { Echo } from './echo.js';
import { noAnswer } from './faults.js';
import { afterOwnTime } from './own-time.js';
import type { Pace } from './pace.js';
import { type StrayReport, Strays } from './strays.js';
import { Tags } from './tags.js';

/** A request until it is answered or given up. */
export interface Request {
  /** What is being done, for messages: "reading 8 sectors at 100 of e0.1". */
  tried: string;
  /** Who is asked, and where it is. */
  address: Address;
  mac: Mac;
  command: number;
  /** The frame, its tag left open; must stay as it is until the request is over. */
  bytes: Buffer;
  pace: Pace;
  /** What ATA answers of this target repeat. */
  echo?: Echo | undefined;
  /** Milliseconds from the first sending until it is given up. */
  timeout: number;
  /** Called once, with views of memory that is overwritten afterwards. */
  onAnswer(frame: Frame): void;
  onFailure(error: LabError): void;
}

interface Pending {
  request: Request;
  first: number;
  sent: number;
  due: number;
  tries: number;
  /** An answer to it that can't be read. */
  unreadable: string | undefined;
}

/**
 * Gets what answers a request to many: frames, and what can't be read though its header can.
 * @returns whether it is from somebody who was asked; what is not counts as strange
 */
type Collector = (frame: Frame | ReadableFault) => boolean;

/** An answer that can't be read, from a station that can be told. */
export type ReadableFault = Fault & Pick<Frame, 'ethernet' | 'header'>;

/** A request that many may answer. */
export interface Collection {
  /** Sends it. @throws LabError if the link can't send any more */
  repeat(): void;
  /** Ends listening. */
  stop(): void;
}

const TAG_OFFSET = 20;
/** Milliseconds between two looks at what is due. */
const FINEST = 5;
const COARSEST = 50;

const initiators = new WeakMap<Link, Initiator>();

/** Matches answers on a link to the requests they belong to, and repeats requests until they are answered. */
export class Initiator {
  readonly link: Link;
  readonly #pending = new Map<number, Pending>();
  readonly #collectors = new Map<number, Collector>();
  readonly #tags = new Tags();
  /** Those of queries to all are seen by everybody, and tell nothing about the others. */
  readonly #openTags = new Tags();
  readonly #strays = new Strays();
  readonly #asked = new Set<number>();
  #asksAll = false;
  #lastAsked: Address | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(link: Link) {
    this.link = link;
    link.onFrame = (frame) => this.#receive(frame);
  }

  /**
   * Sends a request and repeats it until it is answered or its time is over.
   * @returns a function that withdraws it: nothing is called any more
   * @throws LabError if the link can't send any more
   */
  submit(request: Request): () => void {
    const tag = this.#tags.fresh(this.#isTaken);
    this.#note(request.address);
    request.bytes.writeUInt32BE(tag, TAG_OFFSET);
    const now = performance.now();
    const due = now + Math.min(request.pace.timeout, request.timeout);
    this.#pending.set(tag, { request, first: now, sent: now, due, tries: 1, unreadable: undefined });
    try {
      this.link.send(request.bytes);
    } catch (error) {
      this.#pending.delete(tag);
      throw error;
    }
    if (this.#timer === undefined) this.#arm(now, due);
    return () => this.#forget(tag);
  }

  /** Answers for the addresses that were asked which fit no request. */
  get strays(): StrayReport {
    return this.#strays.report;
  }

  /**
   * Has a request that many may answer, and hands every answer over.
   */
  collect(bytes: Buffer, onAnswer: Collector): Collection {
    const tag = this.#openTags.fresh(this.#isTaken);
    bytes.writeUInt32BE(tag, TAG_OFFSET);
    const [shelf, slot] = [bytes.readUInt16BE(16), bytes[18] as number];
    if (shelf === ALL_SHELVES || slot === ALL_SLOTS) this.#asksAll = true;
    else this.#asked.add(keyOf(shelf, slot));
    this.#collectors.set(tag, onAnswer);
    return {
      repeat: () => {
        this.link.send(bytes);
      },
      stop: () => {
        this.#collectors.delete(tag);
        this.#strays.over(tag);
      },
    };
  }

  /** Gives all requests up and stops listening; the link stays open. */
  close(): void {
    this.link.onFrame = undefined;
    initiators.delete(this.link);
    this.#collectors.clear();
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { request } of pending) {
      request.onFailure(
        new LabError({ tried: request.tried, happened: 'the initiator was closed meanwhile' }),
      );
    }
  }

  readonly #isTaken = (tag: number): boolean => this.#pending.has(tag) || this.#collectors.has(tag);

  #note(address: Address): void {
    if (address === this.#lastAsked) return;
    this.#lastAsked = address;
    this.#asked.add(keyOf(address.shelf, address.slot));
  }

  #forget(tag: number): void {
    if (this.#pending.delete(tag)) this.#strays.over(tag);
  }

  #receive(bytes: Buffer): void {
    // Most of what is not for us is told by a few bytes.
    if (bytes.length < 24 || ((bytes[14] as number) & HeaderFlag.response) === 0) return;
    const tag = bytes.readUInt32BE(TAG_OFFSET);
    const pending = this.#pending.get(tag);
    const collector = this.#collectors.get(tag);
    if (pending === undefined && collector === undefined) {
      this.#stray(bytes, tag);
      return;
    }
    const frame = parseFrame(bytes);
    if (frame.ethernet !== undefined && frame.ethernet.destination !== this.link.mac) return;
    if (collector) {
      if (frame.kind === 'fault' && !isReadable(frame)) return;
      if (!guarded(() => collector(frame))) this.#strays.count(frame.ethernet.source);
      return;
    }
    if (pending === undefined) return;
    if (frame.kind === 'fault') {
      if (frame.ethernet?.source === pending.request.mac) pending.unreadable = describeFault(frame);
    } else if (answers(frame, pending.request)) this.#finish(tag, pending, frame);
    else this.#strays.count(frame.ethernet.source);
  }

  /** An answer with a tag that nobody waits for; that of an announcement is 0. */
  #stray(bytes: Buffer, tag: number): void {
    if (tag === 0 || readMac(bytes, 0) !== this.link.mac) return;
    const isAsked =
      this.#asked.has(keyOf(bytes.readUInt16BE(16), bytes[18] as number)) ||
      (this.#asksAll && bytes[19] === Command.config);
    if (isAsked && !this.#strays.isLate(tag)) this.#strays.count(readMac(bytes, 6));
  }

  #finish(tag: number, pending: Pending, frame: Frame): void {
    const { request, tries, sent } = pending;
    this.#forget(tag);
    request.pace.answered(tries === 1 ? performance.now() - sent : undefined);
    try {
      request.onAnswer(frame);
    } catch (error) {
      request.onFailure(asLabError(error, request.tried));
    }
  }

  /** Looks what is due in a while. */
  #arm(now: number, due: number): void {
    this.#timer = afterOwnTime(Math.min(COARSEST, Math.max(FINEST, due - now)), (away) => this.#tick(away));
  }

  /** @param away milliseconds that nobody is to blame for but this process */
  #tick(away: number): void {
    this.#timer = undefined;
    const now = performance.now();
    if (away > 0) {
      for (const pending of this.#pending.values()) {
        pending.due += away;
        pending.first += away;
      }
    }
    let next = Number.POSITIVE_INFINITY;
    for (const [tag, pending] of this.#pending) {
      if (pending.due <= now) this.#overdue(tag, pending, now);
      next = Math.min(next, pending.due);
    }
    if (this.#pending.size > 0 && this.#timer === undefined) this.#arm(now, next);
  }

  #overdue(tag: number, pending: Pending, now: number): void {
    const { request, tries, unreadable } = pending;
    const { address, tried, timeout, pace } = request;
    if (now - pending.first >= timeout) {
      this.#forget(tag);
      const detail = unreadable ? `its answer can't be read: ${unreadable}` : this.link.trouble;
      request.onFailure(noAnswer(address, tried, timeout, tries, detail));
      return;
    }
    if (pace.isHeld) {
      pending.due = Math.min(now + pace.timeout, pending.first + timeout);
      return;
    }
    pace.lost(now);
    pending.tries++;
    pending.sent = now;
    pending.due = Math.min(now + pace.timeout, pending.first + timeout);
    try {
      this.link.send(request.bytes);
    } catch (error) {
      this.#pending.delete(tag);
      request.onFailure(error as LabError);
    }
  }
}

function keyOf(shelf: number, slot: number): number {
  return shelf * 256 + slot;
}

function answers(frame: Frame, { mac, address, command, bytes, echo }: Request): boolean {
  const { ethernet, header } = frame;
  return (
    header.command === command &&
    header.major === address.shelf &&
    header.minor === address.slot &&
    ethernet.source === mac &&
    (frame.kind !== 'ata' || echo === undefined || echo.fits(bytes, frame))
  );
}

function isReadable(fault: Fault): fault is ReadableFault {
  return fault.ethernet !== undefined && fault.header !== undefined;
}

/** What a peer sends never ends the process: who collects tells of it, or goes without. */
function guarded(handle: () => boolean): boolean {
  try {
    return handle();
  } catch (error) {
    if (!(error instanceof LabError)) process.emitWarning(error as Error);
    return true;
  }
}

function asLabError(error: unknown, tried: string): LabError {
  if (error instanceof LabError) return error;
  return new LabError({ tried, happened: (error as Error).message, cause: error });
}

/** The one initiator of a link, made on first use. */
export function initiatorOf(link: Link): Initiator {
  let initiator = initiators.get(link);
  if (initiator === undefined) {
    initiator = new Initiator(link);
    initiators.set(link, initiator);
  }
  return initiator;
}

import {
  type Address,
  BROADCAST,
  describeFault,
  type Frame,
  HeaderFlag,
  type Mac,
  parseFrame,
} from '../aoe/index.js';
import { LabError } from '../errors.js';
import type { Link } from '../link/link.js';
import { noAnswer } from './faults.js';
import { afterOwnTime } from './own-time.js';
import type { Pace } from './pace.js';

/** A request until it is answered or given up. */
export interface Request {
  /** What is being done, for messages: "reading 8 sectors at 100 of e0.1". */
  tried: string;
  /** Who is asked, and where it is; BROADCAST if that is to be found out. */
  address: Address;
  mac: Mac;
  command: number;
  /** The frame, its tag left open; must stay as it is until the request is over. */
  bytes: Buffer;
  pace: Pace;
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

type Collector = (frame: Frame) => void;

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
  #nextTag = Math.floor(Math.random() * 0xffff_ffff);
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
    const tag = this.#freshTag();
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
    return () => {
      this.#pending.delete(tag);
    };
  }

  /**
   * Sends a request to many and hands every answer over.
   * @returns functions to send it again, and to stop listening
   */
  collect(bytes: Buffer, onAnswer: Collector): { repeat(): void; stop(): void } {
    const tag = this.#freshTag();
    bytes.writeUInt32BE(tag, TAG_OFFSET);
    this.#collectors.set(tag, onAnswer);
    return {
      repeat: () => {
        this.link.send(bytes);
      },
      stop: () => {
        this.#collectors.delete(tag);
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

  /** Tag 0 is what targets announce themselves with. */
  #freshTag(): number {
    do {
      this.#nextTag = (this.#nextTag + 1) >>> 0;
    } while (this.#nextTag === 0 || this.#pending.has(this.#nextTag) || this.#collectors.has(this.#nextTag));
    return this.#nextTag;
  }

  #receive(bytes: Buffer): void {
    // Most of what is not for us is told by a few bytes.
    if (bytes.length < 24 || ((bytes[14] as number) & HeaderFlag.response) === 0) return;
    const tag = bytes.readUInt32BE(TAG_OFFSET);
    const pending = this.#pending.get(tag);
    const collector = this.#collectors.get(tag);
    if (pending === undefined && collector === undefined) return;
    const frame = parseFrame(bytes);
    if (frame.ethernet !== undefined && frame.ethernet.destination !== this.link.mac) return;
    if (frame.kind === 'fault') {
      if (pending) pending.unreadable = describeFault(frame);
      return;
    }
    if (collector) {
      collector(frame);
      return;
    }
    if (pending && answers(frame, pending.request)) this.#settle(tag, pending, frame);
  }

  #settle(tag: number, pending: Pending, frame: Frame): void {
    this.#pending.delete(tag);
    pending.request.pace.answered(pending.tries === 1 ? performance.now() - pending.sent : undefined);
    pending.request.onAnswer(frame);
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
      this.#pending.delete(tag);
      const detail = unreadable ? `its answer can't be read: ${unreadable}` : this.link.trouble;
      request.onFailure(noAnswer(address, tried, timeout, tries, detail));
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

function answers({ ethernet, header }: Frame, { mac, address, command }: Request): boolean {
  return (
    header.command === command &&
    header.major === address.shelf &&
    header.minor === address.slot &&
    (mac === BROADCAST || ethernet.source === mac)
  );
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

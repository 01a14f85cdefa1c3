import { setTimeout as sleep } from 'node:timers/promises';
import {
  AtaCommand,
  dissection,
  type Fault,
  type Frame,
  HeaderFlag,
  parseFrame,
  requestInWords,
} from '../../wire/aoe/index.js';
import type { Link } from '../../wire/link/link.js';

/** A frame that passed during a case. */
export interface LoggedFrame {
  /** Milliseconds since the case began. */
  at: number;
  sent: boolean;
  bytes: Buffer;
  /** In words. */
  text: string;
}

/** An answer (or announcement) with its bytes. */
export type Answer = Frame & { bytes: Buffer };

/** Sends and hears on a link, keeps what passed, and lets cases wait for what answers a tag. */
export class WireLog {
  readonly link: Link;
  frames: LoggedFrame[] = [];
  #began = performance.now();
  readonly #answers = new Map<number, (Answer | (Fault & { bytes: Buffer }))[]>();
  readonly #words = new Map<number, string>();
  /** Tags of plain queries that only tell whether the target lives. */
  readonly #quiet = new Set<number>();
  #wake: (() => void)[] = [];
  #isTouched = false;

  constructor(link: Link) {
    this.link = link;
    link.onFrame = (frame) => this.#hear(Buffer.from(frame));
  }

  /** Forgets what passed: a case begins. */
  begin(): void {
    this.frames = [];
    this.#began = performance.now();
    this.#answers.clear();
    this.#words.clear();
  }

  /**
   * Sends bytes as they are, waiting a moment where the link has no room.
   * @param quiet neither it nor its answer belongs to what the case did
   */
  async send(bytes: Buffer, quiet = false): Promise<void> {
    const request = parseFrame(bytes);
    if (mayChange(request)) this.#isTouched = true;
    if (request.kind !== 'fault') this.#words.set(request.header.tag, requestInWords(request));
    if (quiet && request.header) this.#quiet.add(request.header.tag);
    else this.#keep(true, bytes, describe(bytes));
    for (let tries = 0; !this.link.send(bytes) && tries < 50; tries++) await sleep(2);
  }

  /** Whether anything was sent, since this was asked last, that could change what is on the target's disk. */
  takeTouch(): boolean {
    const isTouched = this.#isTouched;
    this.#isTouched = false;
    return isTouched;
  }

  /** Readable responses with a tag that came so far. */
  answers(tag: number): Answer[] {
    return (this.#answers.get(tag) ?? []).filter((answer): answer is Answer => answer.kind !== 'fault');
  }

  /** Responses with a tag that can't be read. */
  unreadable(tag: number): (Fault & { bytes: Buffer })[] {
    return (this.#answers.get(tag) ?? []).filter((answer) => answer.kind === 'fault');
  }

  /** Waits until `met` holds, looking after each frame; false if it does not within `milliseconds`. */
  async until(met: () => boolean, milliseconds: number): Promise<boolean> {
    const deadline = performance.now() + milliseconds;
    while (!met()) {
      const left = deadline - performance.now();
      if (left <= 0) return false;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
    return true;
  }

  /** Responses of all tags, announcements too, in the order in which they came. */
  responses(): Answer[] {
    return [...this.#answers.values()].flat().filter((answer): answer is Answer => answer.kind !== 'fault');
  }

  #hear(bytes: Buffer): void {
    const parsed = parseFrame(bytes);
    const { header } = parsed;
    if (header === undefined || (header.flags & HeaderFlag.response) === 0) return;
    const list = this.#answers.get(header.tag) ?? [];
    list.push(Object.assign(parsed, { bytes }) as Answer);
    this.#answers.set(header.tag, list);
    if (!this.#quiet.has(header.tag)) this.#keep(false, bytes, describe(bytes, this.#words.get(header.tag)));
    const waiting = this.#wake;
    this.#wake = [];
    for (const wake of waiting) wake();
  }

  #keep(sent: boolean, bytes: Buffer, text: string): void {
    this.frames.push({ at: performance.now() - this.#began, sent, bytes, text });
  }
}

const HARMLESS = new Set<number>([
  AtaCommand.readSectors,
  AtaCommand.readSectorsExt,
  AtaCommand.identifyDevice,
]);

/** Whether a request could change what is on the disk; one that can't be read could do anything. */
function mayChange(request: Frame | Fault): boolean {
  return request.kind === 'fault' || (request.kind === 'ata' && !HARMLESS.has(request.ata.cmdStatus));
}

/** "e7.3 response 10000004  read 8 sectors at LBA 0: 8 sectors of data" */
function describe(bytes: Buffer, request?: string): string {
  const { target, kind, tag, text } = dissection(bytes, request);
  return [target, kind, tag, text].filter((part) => part !== '').join(' ');
}

import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { LabError } from '../../base/errors.js';
import { type OutputOptions, openOutput } from '../../base/files/open-output.js';
import type { FrameListener, Link } from './link.js';
import {
  type CaptureInterface,
  type CaptureWay,
  enhancedPacket,
  interfaceDescription,
  sectionHeader,
} from './pcapng.js';

/** Bytes that gather before they are written, at most; less waits until the end of the event loop's turn. */
const BATCH = 256 << 10;

/** Nanoseconds since 1970, never going back. */
const CLOCK_OFFSET = BigInt(Date.now()) * 1_000_000n - process.hrtime.bigint();

/** @returns nanoseconds since 1970, by this process's clock: when it saw a frame, not when the wire did */
function clock(): bigint {
  return CLOCK_OFFSET + process.hrtime.bigint();
}

export interface CaptureOptions {
  /** Nanoseconds since 1970. */
  now?: (() => bigint) | undefined;
}

/**
 * A capture file in pcapng, of one or several links. It is written as it goes, whole blocks at a time: a capture that is
 * killed loses what came in the last turn of the event loop at most, and its file is readable.
 */
export class Capture {
  readonly path: string;
  /** Frames recorded. */
  count = 0;
  /** Why nothing more is recorded: the disk is full. */
  trouble: string | undefined;
  readonly #file: number;
  readonly #now: () => bigint;
  #interfaces = 0;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  /** Bytes of whole blocks that are in the file. */
  #written = 0;
  #closed = false;

  /**
   * Makes the file, or replaces it.
   * @param handle another name of the file, which is open already
   * @throws LabError if it can't be written
   */
  constructor(path: string, options: CaptureOptions = {}, handle = path) {
    this.path = path;
    this.#now = options.now ?? clock;
    try {
      this.#file = openSync(handle, 'w', 0o600);
    } catch (cause) {
      throw refusal(path, cause);
    }
    this.#append(sectionHeader('aoe-lab'));
    this.flush();
  }

  /**
   * As the constructor, of a file that the user named (see open-output.ts).
   * @throws LabError; what `judge` throws
   */
  static async open(path: string, judge?: OutputOptions['judge']): Promise<Capture> {
    const { file } = await openOutput(path, { judge }).catch((cause) => {
      throw cause instanceof LabError ? cause : refusal(path, cause);
    });
    try {
      return new Capture(path, {}, `/proc/self/fd/${file.fd}`);
    } finally {
      await file.close();
    }
  }

  /** Adds an interface. @returns its number */
  addInterface(facts: CaptureInterface): number {
    this.#append(interfaceDescription(facts));
    return this.#interfaces++;
  }

  /**
   * Records a frame, which is copied.
   * @param iface number of the interface
   * @param way as seen from that interface; undefined if not known
   */
  record(iface: number, frame: Uint8Array, way: CaptureWay, comment?: string): void {
    if (this.#closed || this.trouble !== undefined) return;
    this.count++;
    this.#append(enhancedPacket({ iface, nanoseconds: this.#now(), frame, way, comment }));
  }

  /** Brings to the file what waits. */
  flush(): void {
    const bytes = this.#waiting.length === 1 ? (this.#waiting[0] as Buffer) : Buffer.concat(this.#waiting);
    this.#waiting = [];
    this.#waitingBytes = 0;
    if (bytes.length === 0 || this.trouble !== undefined) return;
    try {
      for (let offset = 0; offset < bytes.length; ) offset += writeSync(this.#file, bytes, offset);
      this.#written += bytes.length;
    } catch (error) {
      this.trouble = `writing ${this.path}: ${(error as Error).message}`;
      this.#cutShort();
    }
  }

  /** Ends the file. */
  close(): void {
    if (this.#closed) return;
    this.flush();
    this.#closed = true;
    closeSync(this.#file);
  }

  #append(block: Buffer): void {
    if (this.#waiting.length === 0) setImmediate(() => !this.#closed && this.flush());
    this.#waiting.push(block);
    this.#waitingBytes += block.length;
    if (this.#waitingBytes >= BATCH) this.flush();
  }

  /** Takes away a block of which only a part went into the file; a pipe can't do that. */
  #cutShort(): void {
    try {
      ftruncateSync(this.#file, this.#written);
    } catch {
      // The reader of a pipe has gone.
    }
  }
}

function refusal(path: string, cause: unknown): LabError {
  return new LabError({ tried: `writing the capture ${path}`, happened: (cause as Error).message, cause });
}

/**
 * A link that is another with a capture: what passes it either way is recorded, what it did not take as well, marked.
 * Closing it closes the other; the capture stays open.
 */
export function tap(link: Link, capture: Capture): Link {
  return new Tap(link, capture);
}

class Tap implements Link {
  readonly #link: Link;
  readonly #capture: Capture;
  readonly #iface: number;
  #listener: FrameListener | undefined;

  constructor(link: Link, capture: Capture) {
    this.#link = link;
    this.#capture = capture;
    this.#iface = capture.addInterface(link);
    link.onFrame = (frame) => {
      capture.record(this.#iface, frame, 'in');
      this.#listener?.(frame);
    };
  }

  get name(): string {
    return this.#link.name;
  }

  get mac(): number {
    return this.#link.mac;
  }

  get mtu(): number {
    return this.#link.mtu;
  }

  get trouble(): string | undefined {
    return this.#link.trouble;
  }

  get onFrame(): FrameListener | undefined {
    return this.#listener;
  }

  set onFrame(listener: FrameListener | undefined) {
    this.#listener = listener;
  }

  send(frame: Uint8Array): boolean {
    const isSent = this.#link.send(frame);
    this.#capture.record(
      this.#iface,
      frame,
      'out',
      isSent ? undefined : `not sent: ${this.#link.trouble ?? 'the link did not take it'}`,
    );
    return isSent;
  }

  close(): Promise<void> {
    return this.#link.close();
  }
}

import type { Address, Frame, Mac } from '../aoe/index.js';
import type { LabError } from '../errors.js';
import { answerFault } from './faults.js';
import type { Initiator } from './initiator.js';
import type { Pace } from './pace.js';

/** One request in the queue of a target. */
export interface Work {
  tried: string;
  command: number;
  /** Milliseconds; the pipeline's otherwise. */
  timeout?: number | undefined;
  /** Writes the frame (its tag left open). @returns its length */
  write(into: Buffer): number;
  /** Asked before it is sent: whether nobody wants it any more. */
  dropped?(): boolean;
  /** Views of memory that is overwritten afterwards; errors of AoE's and ATA's come to `onFailure` instead. */
  onAnswer(frame: Frame): void;
  onFailure(error: LabError): void;
}

/** The requests to one target: sent in order, never more under way than its window allows. */
export class Pipeline {
  readonly #initiator: Initiator;
  readonly #address: Address;
  readonly #mac: Mac;
  readonly #pace: Pace;
  readonly #timeout: number;
  readonly #queue: Work[] = [];
  #head = 0;
  /** Memory of frames that are not under way. */
  readonly #free: Buffer[] = [];
  readonly #frameLength: number;
  #underWay = 0;
  /** How often the target has been given up. */
  #epoch = 0;

  /**
   * @param frameLength most bytes of a frame
   * @param timeout milliseconds after which an unanswered request is given up
   */
  constructor(
    initiator: Initiator,
    address: Address,
    mac: Mac,
    pace: Pace,
    frameLength: number,
    timeout: number,
  ) {
    this.#initiator = initiator;
    this.#address = address;
    this.#mac = mac;
    this.#pace = pace;
    this.#frameLength = frameLength;
    this.#timeout = timeout;
  }

  enqueue(work: Work): void {
    this.#queue.push(work);
    this.#pump();
  }

  #pump(): void {
    while (this.#underWay < this.#pace.window) {
      const work = this.#next();
      if (work === undefined) return;
      if (!work.dropped?.()) this.#send(work);
    }
  }

  #next(): Work | undefined {
    const work = this.#queue[this.#head];
    if (work === undefined) {
      this.#queue.length = 0;
      this.#head = 0;
      return undefined;
    }
    this.#head++;
    if (this.#head > 1000) {
      this.#queue.splice(0, this.#head);
      this.#head = 0;
    }
    return work;
  }

  #send(work: Work): void {
    const memory = this.#free.pop() ?? Buffer.allocUnsafeSlow(this.#frameLength);
    const epoch = this.#epoch;
    const over = (): void => {
      this.#underWay--;
      this.#free.push(memory);
    };
    this.#underWay++;
    try {
      this.#initiator.submit({
        tried: work.tried,
        address: this.#address,
        mac: this.#mac,
        command: work.command,
        bytes: memory.subarray(0, work.write(memory)),
        pace: this.#pace,
        timeout: work.timeout ?? this.#timeout,
        onAnswer: (frame) => {
          over();
          const fault = answerFault(this.#address, work.tried, frame);
          if (fault) work.onFailure(fault);
          else work.onAnswer(frame);
          this.#pump();
        },
        onFailure: (error) => {
          over();
          work.onFailure(error);
          this.#giveUp(epoch, error);
        },
      });
    } catch (error) {
      over();
      work.onFailure(error as LabError);
      this.#giveUp(epoch, error as LabError);
    }
  }

  /**
   * A target that does not answer is not asked everything that waits, one time limit after another. Only the first of
   * the requests that were under way together says so: what is queued after that is a new attempt.
   */
  #giveUp(epoch: number, error: LabError): void {
    if (epoch !== this.#epoch) {
      this.#pump();
      return;
    }
    this.#epoch++;
    const waiting = this.#queue.splice(this.#head);
    for (const work of waiting) work.onFailure(error);
  }
}

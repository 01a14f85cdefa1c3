import type { Address } from '../aoe/index.js';
import type { LabError } from '../errors.js';
import { answerFault } from './faults.js';
import type { Lane } from './lane.js';
import { afterOwnTime } from './own-time.js';
import type { Work } from './work.js';

export interface PipelineOptions {
  /** Most requests under way to one of the target's addresses. */
  most: number;
  /** Milliseconds after which an unanswered request is given up. */
  timeout: number;
  /** Milliseconds after which a path on which nothing is heard is left, if there is another. */
  silence: number;
  /** Called when a path was left, to try it again later. */
  onLeft(lane: Lane): void;
}

/** Milliseconds between two looks at whether paths are silent. */
const LOOK = 50;

/**
 * The requests to one target: sent in order over its paths, never more under way than its window allows. A path that
 * falls silent while another is sound is left, and what was under way there is asked anew elsewhere.
 */
export class Pipeline {
  readonly #lanes: readonly Lane[];
  readonly #address: Address;
  readonly #options: PipelineOptions;
  readonly #queue: Work[] = [];
  #head = 0;
  /** When a request that changed its path was sent first. */
  readonly #moved = new WeakMap<Work, number>();
  #timer: NodeJS.Timeout | undefined;
  /** How often the target has been given up. */
  #epoch = 0;

  /** @param lanes at least one, the first in use */
  constructor(lanes: readonly Lane[], address: Address, options: PipelineOptions) {
    this.#lanes = lanes;
    this.#address = address;
    this.#options = options;
  }

  enqueue(work: Work): void {
    this.#queue.push(work);
    this.pump();
  }

  /** Sends what the windows allow; also to be called when a path has come into use. */
  pump(): void {
    for (;;) {
      const lane = this.#lanes.length === 1 ? this.#only() : this.#freest();
      if (lane === undefined) return;
      const work = this.#next();
      if (work === undefined) return;
      if (!work.dropped?.()) this.#send(lane, work);
    }
  }

  #only(): Lane | undefined {
    const lane = this.#lanes[0] as Lane;
    return lane.load < lane.pace.window ? lane : undefined;
  }

  /** The path in use that has most room in relation to its window. */
  #freest(): Lane | undefined {
    let best: Lane | undefined;
    let least = 1;
    for (const lane of this.#lanes) {
      const part = lane.load / lane.pace.window;
      if (!lane.isUsed || part >= least || this.#loadOf(lane) >= this.#options.most) continue;
      best = lane;
      least = part;
    }
    return best;
  }

  /** Requests under way to the same address: a target that is reached by two paths has one queue. */
  #loadOf({ mac }: Lane): number {
    return this.#lanes.reduce((sum, lane) => (lane.mac === mac ? sum + lane.load : sum), 0);
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

  #send(lane: Lane, work: Work): void {
    const epoch = this.#epoch;
    const timeout = work.timeout ?? this.#options.timeout;
    const moved = this.#moved.get(work);
    const left = moved === undefined ? timeout : Math.max(1, timeout - (performance.now() - moved));
    const fail = (error: LabError): void => {
      // The path may be at its end, and not the target.
      if (performance.now() - (moved ?? started) < timeout && this.#hasOther(lane)) {
        this.#leave(lane, error.facts.happened, [[work, started]]);
        return;
      }
      work.onFailure(error);
      this.#giveUp(epoch, error);
    };
    const started = performance.now();
    try {
      lane.send(work, left, {
        onAnswer: (frame) => {
          const fault = answerFault(this.#address, work.tried, frame);
          if (fault) work.onFailure(fault);
          else work.onAnswer(frame);
          this.pump();
        },
        onFailure: fail,
      });
    } catch (error) {
      fail(error as LabError);
      return;
    }
    if (this.#timer === undefined && this.#lanes.length > 1) this.#arm();
  }

  #hasOther(lane: Lane): boolean {
    return this.#lanes.some((other) => other !== lane && other.isUsed);
  }

  /** Looks for silent paths in a while. */
  #arm(): void {
    this.#timer = afterOwnTime(LOOK, (away) => this.#look(away));
  }

  /** @param away milliseconds for which this process could not hear anybody */
  #look(away: number): void {
    this.#timer = undefined;
    const now = performance.now();
    const used = this.#lanes.filter(({ isUsed }) => isUsed);
    const silent = used.filter((lane) => lane.isSilent(now, this.#options.silence, away));
    // Where all are silent it is the target, and any path may be the one that speaks first.
    if (silent.length < used.length) {
      for (const lane of silent) this.#leave(lane, `nothing was heard for ${this.#options.silence} ms`, []);
    }
    if (this.#timer === undefined && this.#lanes.some(({ load }) => load > 0)) this.#arm();
  }

  /** @param more what is to be sent anew besides what is under way */
  #leave(lane: Lane, trouble: string, more: readonly [work: Work, since: number][]): void {
    const works = [...more];
    if (lane.isUsed) {
      works.push(...lane.leave(trouble));
      this.#options.onLeft(lane);
    }
    for (const [work, since] of works) if (!this.#moved.has(work)) this.#moved.set(work, since);
    this.#queue.splice(this.#head, 0, ...works.map(([work]) => work));
    this.pump();
  }

  /**
   * A target that does not answer is not asked everything that waits, one time limit after another. Only the first of
   * the requests that were under way together says so: what is queued after that is a new attempt.
   */
  #giveUp(epoch: number, error: LabError): void {
    if (epoch !== this.#epoch) {
      this.pump();
      return;
    }
    this.#epoch++;
    const waiting = this.#queue.splice(this.#head);
    for (const work of waiting) work.onFailure(error);
  }
}

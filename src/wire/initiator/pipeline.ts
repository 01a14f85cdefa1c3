import type { LabError } from '../../base/errors.js';
import { type Address, AoeError, type Mac } from '../aoe/index.js';
import { AoeAnswerError, answerFault, isFault, noAnswer } from './faults.js';
import type { Lane } from './lane.js';
import { afterOwnTime } from './own-time.js';
import type { Work } from './work.js';

export interface PipelineOptions {
  /** Most requests under way to one of the target's addresses. */
  most: number;
  /** Milliseconds after which an unanswered request is given up. */
  timeout: number;
  /** Milliseconds after which a path on which nothing is heard is left, or held if there is no other. */
  silence: number;
  /** Called when a path was left, to try it again later. */
  onLeft(lane: Lane): void;
  /** Called again and again while a path is held: who is there is to be found out, then it is to be resumed, or moved. */
  onHeld(lane: Lane): void;
  /**
   * A target called a request that moves data a bad argument, or the link did not take it any more.
   * @returns the sectors that a frame may have now
   */
  sectorsNow(lane: Lane): Promise<number>;
}

/** Milliseconds between two looks at whether paths are silent. */
const LOOK = 50;

/**
 * The requests to one target: sent in order over its paths, never more under way than its window allows. A path that
 * falls silent while another is sound is left, and what was under way there is asked anew elsewhere. Where all are silent
 * they are held until it is known who is there: another disk must not get what was meant for this one.
 */
export class Pipeline {
  readonly #lanes: readonly Lane[];
  readonly #address: Address;
  readonly #options: PipelineOptions;
  readonly #queue: Work[] = [];
  #head = 0;
  /** Most sectors of a request. */
  #sectors = Number.POSITIVE_INFINITY;
  /** Requests that were refused for their size, until it is known which size is right. */
  readonly #refused: { work: Work; since: number; fault: LabError }[] = [];
  /** When a request that is sent anew, or waits for a path, was sent or waited first. */
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

  /** Has them sent before all that waits. @param since when they, or what they stand for, were sent first */
  enqueueFirst(works: readonly Work[], since?: number): void {
    this.#putFirst(works, since);
    this.pump();
  }

  /** Sends what the windows allow; also to be called when a path has come into use. */
  pump(): void {
    while (this.#refused.length === 0) {
      const lane = this.#lanes.length === 1 ? this.#only() : this.#freest();
      if (lane === undefined) break;
      const work = this.#next();
      if (work === undefined) return;
      if (work.dropped?.()) continue;
      if (work.extent !== undefined && work.extent.sectors > this.#sectors) {
        this.#putFirst(work.extent.split(this.#sectors), this.#moved.get(work));
      } else this.#send(lane, work);
    }
    // What waits for a path is not waited for without end.
    if (this.#timer === undefined && this.#head < this.#queue.length) this.#arm();
  }

  /** Whether anything is under way, or waits. */
  get isBusy(): boolean {
    return this.#head < this.#queue.length || this.#lanes.some(({ load }) => load > 0);
  }

  /** From now on no request moves more sectors; what is under way and does is asked anew. */
  narrow(sectors: number): void {
    this.#sectors = Math.min(this.#sectors, sectors);
    this.#requeue(this.#lanes.flatMap((lane) => lane.withdrawAbove(this.#sectors)));
  }

  /** Goes on at another station on a path that is held. */
  move(lane: Lane, mac: Mac, reason: string): void {
    const works = lane.leave(reason);
    lane.use(mac);
    this.#requeue(works);
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
      if (!lane.isUsed || lane.isHeld) continue;
      const part = lane.load / lane.pace.window;
      if (part >= least || this.#loadOf(lane) >= this.#options.most) continue;
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
    const timeout = this.#timeoutOf(work);
    const moved = this.#moved.get(work);
    const left = moved === undefined ? timeout : Math.max(1, timeout - (performance.now() - moved));
    const started = performance.now();
    const fail = (error: LabError): void => {
      // The path may be at its end, and not the target.
      if (performance.now() - (moved ?? started) < timeout && this.#hasOther(lane)) {
        this.#leave(lane, error.facts.happened, [[work, started]]);
        return;
      }
      const reason = lane.refusal ?? error;
      work.onFailure(reason);
      this.#giveUp(epoch, reason);
    };
    try {
      lane.send(work, left, {
        onAnswer: (frame) => {
          const fault = isFault(frame) ? answerFault(this.#address, work.tried, frame) : undefined;
          if (fault === undefined) work.onAnswer(frame);
          else if (work.extent !== undefined && isBadArgument(fault)) {
            this.#reconsider(lane, work, moved ?? started, fault);
          } else work.onFailure(fault);
          this.pump();
        },
        onFailure: fail,
      });
    } catch (error) {
      if (work.extent !== undefined && lane.isNarrower(work.extent.sectors)) {
        this.#reconsider(lane, work, moved ?? started, error as LabError);
      } else fail(error as LabError);
      return;
    }
    if (this.#timer === undefined) this.#arm();
  }

  #timeoutOf(work: Work): number {
    return work.timeout ?? this.#options.timeout;
  }

  #hasOther(lane: Lane): boolean {
    return this.#lanes.some((other) => other !== lane && other.isUsed && !other.isHeld);
  }

  /** Looks for silent paths in a while. */
  #arm(): void {
    this.#timer = afterOwnTime(LOOK, (away) => this.#look(away));
  }

  /** @param away milliseconds for which this process could not hear anybody */
  #look(away: number): void {
    this.#timer = undefined;
    const now = performance.now();
    const { silence } = this.#options;
    const used = this.#lanes.filter(({ isUsed }) => isUsed);
    const silent = used.filter((lane) => lane.isHeld || lane.isSilent(now, silence, away));
    if (silent.length < used.length) {
      for (const lane of silent) this.#leave(lane, `nothing was heard for ${silence} ms`, []);
    } else {
      // It is the target, and any path may be the one that speaks first.
      for (const lane of silent) {
        if (!lane.isHeld) lane.hold();
        this.#options.onHeld(lane);
      }
      this.#expire(now);
    }
    if (this.#timer === undefined && this.isBusy) this.#arm();
  }

  /** Gives up what waits for a path for too long. */
  #expire(now: number): void {
    const expired = new Set<Work>();
    for (const work of this.#queue.slice(this.#head)) {
      const since = this.#moved.get(work) ?? now;
      this.#moved.set(work, since);
      if (now - since >= this.#timeoutOf(work)) expired.add(work);
    }
    if (expired.size === 0) return;
    const waiting = this.#queue.splice(this.#head).filter((work) => !expired.has(work));
    this.#queue.push(...waiting);
    const { refusal, trouble } = this.#lanes.find(({ isUsed }) => isUsed) as Lane;
    for (const work of expired) {
      work.onFailure(refusal ?? noAnswer(this.#address, work.tried, this.#timeoutOf(work), 1, trouble));
    }
  }

  /** @param more what is to be sent anew besides what is under way */
  #leave(lane: Lane, trouble: string, more: readonly [work: Work, since: number][]): void {
    const works = [...more];
    if (lane.isUsed) {
      works.push(...lane.leave(trouble));
      this.#options.onLeft(lane);
    }
    this.#requeue(works);
  }

  #requeue(works: readonly [work: Work, since: number][]): void {
    for (const [work, since] of works) if (!this.#moved.has(work)) this.#moved.set(work, since);
    this.enqueueFirst(works.map(([work]) => work));
  }

  #putFirst(works: readonly Work[], since?: number): void {
    if (since !== undefined) for (const work of works) this.#moved.set(work, since);
    this.#queue.splice(this.#head, 0, ...works);
  }

  /** Asks once which size is right, however many requests were refused, and sends nothing meanwhile. */
  #reconsider(lane: Lane, work: Work, since: number, fault: LabError): void {
    this.#refused.push({ work, since, fault });
    if (this.#refused.length > 1) return;
    this.#options
      .sectorsNow(lane)
      .catch(() => 0)
      .then((sectors) => {
        const refused = this.#refused.splice(0);
        const again: [Work, number][] = [];
        for (const { work, since, fault } of refused) {
          if (sectors > 0 && sectors < (work.extent?.sectors ?? 0)) again.push([work, since]);
          else work.onFailure(fault);
        }
        if (again.length > 0) this.narrow(sectors);
        this.#requeue(again);
      });
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

function isBadArgument(fault: LabError): boolean {
  return fault instanceof AoeAnswerError && fault.code === AoeError.badArgument;
}

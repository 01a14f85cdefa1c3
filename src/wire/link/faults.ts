import type { Clock } from './clock.js';
import { checkPlan, type Fault, type FaultName, type FaultPlan, type Way } from './fault-plan.js';
import { type Random, seededRandom } from './random.js';

/** A fault that befell a frame. */
export interface FaultEvent {
  port: string;
  way: Way;
  fault: FaultName;
  /** Of the frame, counted from 1 over all that come to this port this way. */
  frame: number;
}

/** Frames of one way of a port. */
export interface FaultCounts {
  /** Came. */
  offered: number;
  /** Went on, copies included. */
  delivered: number;
  drop: number;
  delay: number;
  /** Additional copies; none of a frame that another fault dropped. */
  duplicate: number;
  reorder: number;
  corrupt: number;
  /** Lost in a cut. */
  cut: number;
}

const ETHERNET_HEADER = 14;
const DEFAULT_HOLD = 20;

/** What a fault remembers: how many frames were in question, and its own random numbers. */
interface Aimed {
  fault: Fault;
  random: Random;
  seen: number;
}

interface Held {
  frame: Buffer;
  /** Frames that have still to pass before it. */
  left: number;
  calledOff: () => void;
}

export interface FaultyWayOptions {
  port: string;
  way: Way;
  plan: FaultPlan;
  /** Every fault has its own random numbers, made from this, the port's name, the way and its place in the plan. */
  seed: number;
  clock: Clock;
  deliver(frame: Buffer): void;
  onFault?: ((event: FaultEvent) => void) | undefined;
}

/**
 * One way of a port, with its faults. What happens depends on the frames that come and on the seed alone, with delays
 * on the clock besides. Without faults every frame is delivered at once.
 */
export class FaultyWay {
  readonly counts: FaultCounts = {
    offered: 0,
    delivered: 0,
    drop: 0,
    delay: 0,
    duplicate: 0,
    reorder: 0,
    corrupt: 0,
    cut: 0,
  };
  /** Whether nothing passes; also set from outside. */
  isCut = false;
  readonly #options: FaultyWayOptions;
  readonly #aimed: Aimed[];
  readonly #held: Held[] = [];
  readonly #delayed = new Set<() => void>();

  /** @throws UsageError if the plan can't be meant */
  constructor(options: FaultyWayOptions) {
    const { plan, port, way, seed } = options;
    checkPlan(plan, port);
    this.#options = options;
    this.#aimed = plan
      .map((fault, index) => ({ fault, random: seededRandom(seed, port, way, index), seen: 0 }))
      .filter(({ fault }) => fault.way === undefined || fault.way === way);
  }

  /** @param frame valid during the call only; copied where it is kept */
  offer(frame: Buffer): void {
    this.counts.offered++;
    if (this.#aimed.length === 0) {
      if (this.isCut) this.counts.cut++;
      else this.#deliver(frame);
      return;
    }
    const hits = this.#aimed.filter((aimed) => isHit(aimed, frame));
    for (const { fault } of hits) {
      if (fault.fault === 'cut') this.isCut = true;
      if (fault.fault === 'restore') this.isCut = false;
      if (fault.fault === 'cut' || fault.fault === 'restore') this.#report(fault.fault);
    }
    if (this.isCut) this.counts.cut++;
    else if (this.#pass(frame, hits)) this.#overtake();
  }

  /** Forgets what is held back or delayed. */
  close(): void {
    for (const { calledOff } of this.#held) calledOff();
    for (const callOff of this.#delayed) callOff();
    this.#held.length = 0;
    this.#delayed.clear();
  }

  /** @returns whether it went on, past those that are held back */
  #pass(frame: Buffer, hits: readonly Aimed[]): boolean {
    let bytes = frame;
    let copies = 1;
    let delay = 0;
    let hold: { by: number; milliseconds: number } | undefined;
    for (const { fault, random } of hits) {
      switch (fault.fault) {
        case 'drop':
          this.counts.drop++;
          this.#report('drop');
          return false;
        case 'corrupt':
          bytes = corrupted(bytes, random);
          this.counts.corrupt++;
          break;
        case 'duplicate':
          copies += fault.copies ?? 1;
          break;
        case 'delay':
          delay += spanned(fault.milliseconds, random);
          this.counts.delay++;
          break;
        case 'reorder':
          hold = { by: fault.by ?? 1, milliseconds: fault.milliseconds ?? DEFAULT_HOLD };
          this.counts.reorder++;
          break;
        default:
          continue;
      }
      this.#report(fault.fault);
    }
    this.counts.duplicate += copies - 1;
    for (let copy = 0; copy < copies; copy++) {
      if (hold) this.#hold(bytes, hold, delay);
      else if (delay > 0) this.#later(bytes, delay);
      else this.#deliver(bytes);
    }
    return hold === undefined;
  }

  #hold(frame: Buffer, { by, milliseconds }: { by: number; milliseconds: number }, delay: number): void {
    const calledOff = this.#options.clock.after(milliseconds + delay, () => {
      this.#held.splice(this.#held.indexOf(held), 1);
      this.#deliverKept(held.frame);
    });
    const held: Held = { frame: Buffer.from(frame), left: by, calledOff };
    this.#held.push(held);
  }

  /** Counts a frame that has passed, and lets go what has waited for enough of them. */
  #overtake(): void {
    for (const held of [...this.#held]) {
      if (--held.left > 0) continue;
      held.calledOff();
      this.#held.splice(this.#held.indexOf(held), 1);
      this.#deliverKept(held.frame);
    }
  }

  #later(frame: Buffer, milliseconds: number): void {
    const kept = Buffer.from(frame);
    const callOff = this.#options.clock.after(milliseconds, () => {
      this.#delayed.delete(callOff);
      this.#deliverKept(kept);
    });
    this.#delayed.add(callOff);
  }

  /** What a cut finds on its way is lost. */
  #deliverKept(frame: Buffer): void {
    if (this.isCut) this.counts.cut++;
    else this.#deliver(frame);
  }

  #deliver(frame: Buffer): void {
    this.counts.delivered++;
    this.#options.deliver(frame);
  }

  #report(fault: FaultName): void {
    const { port, way, onFault } = this.#options;
    onFault?.({ port, way, fault, frame: this.counts.offered });
  }
}

function isHit(aimed: Aimed, frame: Buffer): boolean {
  const { filter, frames, probability } = aimed.fault;
  if (filter !== undefined && !filter(frame)) return false;
  aimed.seen++;
  if (frames !== undefined) return frames.includes(aimed.seen);
  return probability === undefined || aimed.random() < probability;
}

function corrupted(frame: Buffer, random: Random): Buffer {
  const bytes = Buffer.from(frame);
  const bits = Math.max(0, bytes.length - ETHERNET_HEADER) * 8;
  if (bits === 0) return bytes;
  const bit = Math.floor(random() * bits);
  const index = ETHERNET_HEADER + (bit >> 3);
  bytes[index] = (bytes[index] as number) ^ (1 << (bit & 7));
  return bytes;
}

function spanned(milliseconds: number | readonly [number, number], random: Random): number {
  if (typeof milliseconds === 'number') return milliseconds;
  const [least, most] = milliseconds;
  return least + random() * (most - least);
}

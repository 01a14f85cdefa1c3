import { Histogram } from './histogram.js';
import type { LoadFigures } from './load.js';

const NANOSECONDS = 1_000_000;
/** Acknowledged writes that are reported, to be looked for in the file. */
const REMEMBERED = 64;

/** Counts of one run and the way from them to its figures. */
export class Counters {
  readonly histogram = new Histogram();
  answered = 0;
  repeated = 0;
  late = 0;
  errors = 0;
  wrong = 0;
  compared = 0;
  example: string | undefined;
  readonly written: number[] = [];
  #from = 0;
  #cpu = process.cpuUsage();
  #before = 0;

  /** Measuring begins: what was recorded so far was the warm-up. @param now milliseconds */
  begin(now: number): void {
    this.histogram.clear();
    this.#from = now;
    this.#before = this.answered;
    this.#cpu = process.cpuUsage();
  }

  /** @param milliseconds latency of an answer */
  record(milliseconds: number): void {
    this.answered++;
    this.histogram.record(milliseconds * NANOSECONDS);
  }

  /** A write was acknowledged. @param lba its first sector */
  acknowledged(lba: number): void {
    if (this.written.length < REMEMBERED) this.written.push(lba);
  }

  note(kind: 'errors' | 'wrong', example: () => string): void {
    this[kind]++;
    this.example ??= example();
  }

  /** Measuring ends. @returns the figures; what is counted later is added by `close` */
  end(now: number): LoadFigures {
    const { user, system } = process.cpuUsage(this.#cpu);
    const time = now - this.#from;
    const at = (share: number) => this.histogram.percentile(share) / 1000;
    return {
      requests: this.answered - this.#before,
      time,
      answered: 0,
      latency: { p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999), max: this.histogram.max / 1000 },
      repeated: 0,
      late: 0,
      lost: 0,
      unanswered: 0,
      errors: 0,
      wrong: 0,
      compared: 0,
      written: this.written,
      busy: (user + system) / 1000 / time,
    };
  }

  /** Adds what belongs to the whole run, when the last answers are in. */
  close(figures: LoadFigures, unanswered: number): LoadFigures {
    const { answered, repeated, late, errors, wrong, compared, example } = this;
    const lost = Math.max(0, repeated - late);
    return { ...figures, answered, repeated, late, lost, unanswered, errors, wrong, compared, example };
  }
}

import { formatMac, type Mac } from '../aoe/index.js';

/** Requests that are over and remembered: an answer to one of them is late or repeated, and nothing strange. */
const REMEMBERED = 4096;
/** Stations that are named. */
const NAMED = 8;

/** Answers for the addresses that were asked which fit no request of this command. */
export interface StrayReport {
  answers: number;
  /** "02:00:00:00:00:01": where they came from, the first eight. */
  stations: string[];
}

/** What is told of them; undefined if there were none. */
export function describeStrays({ answers, stations }: StrayReport): string | undefined {
  if (answers === 0) return undefined;
  const what =
    answers === 1 ? '1 answer fitted no request and was' : `${answers} answers fitted no request and were`;
  return `${what} not taken (from ${stations.join(', ')}): another initiator uses this interface, or somebody makes answers up`;
}

/** Counts answers that fit no request: somebody guesses, or another initiator uses the same interface. */
export class Strays {
  readonly #over = new Uint32Array(REMEMBERED);
  #next = 0;
  #answers = 0;
  readonly #stations = new Set<Mac>();

  /** A request was answered, given up or withdrawn. */
  over(tag: number): void {
    this.#over[this.#next] = tag;
    this.#next = (this.#next + 1) % REMEMBERED;
  }

  isLate(tag: number): boolean {
    return this.#over.includes(tag);
  }

  count(station: Mac): void {
    this.#answers++;
    if (this.#stations.size < NAMED) this.#stations.add(station);
  }

  get report(): StrayReport {
    return { answers: this.#answers, stations: [...this.#stations].map(formatMac) };
  }
}

import type { Served } from './served.js';

/**
 * When initiators last used an export, as far as it is looked at. Reads that begin at the first sector alone are none: with those
 * a search tries which frames pass, and whoever uses a disk reads and writes elsewhere as well.
 */
export class LastUse {
  readonly #seen = new WeakMap<Served, { count: number; at: number | undefined }>();

  /** @param now milliseconds since 1970 @returns undefined: never */
  look(served: Served, now: number): number | undefined {
    const { reads, writes, flushes } = served.counters;
    const count = reads + writes + flushes - served.trials.count;
    const before = this.#seen.get(served) ?? { count: 0, at: undefined };
    // A trial may have failed, and is then no read.
    if (count <= before.count) return before.at;
    this.#seen.set(served, { count, at: now });
    return now;
  }
}

import { randomFillSync } from 'node:crypto';

/** Tags drawn by one call: 4 KiB of random bytes take some microseconds. */
const BATCH = 1024;

/**
 * Tags of requests: 32 random bits each, so that a station that has not seen a request can't answer it. One sequence
 * tells nothing about another.
 */
export class Tags {
  readonly #drawn = new Uint32Array(BATCH);
  #next = BATCH;

  /** A tag that is not taken; never 0, with which targets announce themselves. */
  fresh(isTaken: (tag: number) => boolean): number {
    for (;;) {
      if (this.#next === BATCH) {
        randomFillSync(this.#drawn);
        this.#next = 0;
      }
      const tag = this.#drawn[this.#next++] as number;
      if (tag !== 0 && !isTaken(tag)) return tag;
    }
  }
}

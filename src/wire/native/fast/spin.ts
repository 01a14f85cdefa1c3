/**
 * Looking for the next frame for some millionths of a second before sleeping: an initiator with one request at a time sends
 * the next one sooner than a process falls asleep and wakes up. Where that fails again and again it is left alone.
 */
export class Spin {
  #failures = 0;
  /** Sleeps until it is tried again. */
  #pause = 0;

  /** Whether it is worth while now. */
  get hopeful(): boolean {
    return this.#pause === 0;
  }

  /** The process slept instead. */
  slept(): void {
    if (this.#pause > 0) this.#pause--;
  }

  /** @returns whether a frame came */
  wait(sources: Iterable<{ readonly pending: boolean }>): boolean {
    const until = performance.now() + LIMIT;
    do {
      for (let turn = 0; turn < TURNS; turn++) {
        for (const source of sources) {
          if (!source.pending) continue;
          this.#failures = 0;
          return true;
        }
      }
    } while (performance.now() < until);
    this.#failures++;
    if (this.#failures >= PATIENCE) {
      this.#failures = 0;
      this.#pause = PAUSE;
    }
    return false;
  }
}

/** Milliseconds. */
const LIMIT = 0.012;
/** Looks between two looks at the clock. */
const TURNS = 16;
const PATIENCE = 4;
const PAUSE = 256;

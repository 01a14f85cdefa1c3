/** What time it is and what happens later: the machine's clock, or one that a test turns by hand. */
export interface Clock {
  /** Milliseconds since some fixed moment, never going back. */
  now(): number;
  /** Calls back once after some milliseconds, those of the same moment in the order of asking. @returns a way to call it off */
  after(milliseconds: number, callback: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  after(milliseconds, callback) {
    const timer = setTimeout(callback, milliseconds);
    return () => clearTimeout(timer);
  },
};

/** A clock that stands still until it is told to go on. */
export class ManualClock implements Clock {
  #now = 0;
  #due: { at: number; callback: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  after(milliseconds: number, callback: () => void): () => void {
    const entry = { at: this.#now + milliseconds, callback };
    // Behind all that are due no later: equal moments keep their order.
    const index = this.#due.findLastIndex(({ at }) => at <= entry.at) + 1;
    this.#due.splice(index, 0, entry);
    return () => {
      this.#due = this.#due.filter((other) => other !== entry);
    };
  }

  /** Callbacks still to come. */
  get pending(): number {
    return this.#due.length;
  }

  /** Lets time pass; what falls due is called at its moment, also what that asks for meanwhile. */
  advance(milliseconds: number): void {
    const end = this.#now + milliseconds;
    for (;;) {
      const next = this.#due[0];
      if (next === undefined || next.at > end) break;
      this.#due.shift();
      this.#now = next.at;
      next.callback();
    }
    this.#now = end;
  }
}

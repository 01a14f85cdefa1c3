import { CaseFault } from './fault.js';

/** How long a case may take, restarts of its target not counted: how long those take is the machine's affair. */
export class CaseLimit {
  readonly #most: number;
  readonly #signal: AbortSignal | undefined;
  #left: number;
  #since = 0;
  #timer: NodeJS.Timeout | undefined;
  #end: (error: unknown) => void = () => {};

  /** @param most milliseconds @param signal ends a case as well */
  constructor(most: number, signal?: AbortSignal) {
    this.#most = most;
    this.#left = most;
    this.#signal = signal;
  }

  /** @throws CaseFault once the time is up · the signal's reason */
  async bound(run: () => Promise<void>): Promise<void> {
    const signal = this.#signal;
    const abort = () => this.#end(signal?.reason);
    const ended = new Promise<never>((_, reject) => {
      this.#end = reject;
    });
    signal?.addEventListener('abort', abort);
    if (signal?.aborted) abort();
    this.#resume();
    const work = run();
    try {
      await Promise.race([work, ended]);
    } finally {
      this.#pause();
      this.#left = 0;
      signal?.removeEventListener('abort', abort);
      // What is left of a case that was given up fails unheard.
      work.catch(() => {});
    }
  }

  /** Does something whose time does not count. */
  async apart<T>(act: () => Promise<T>): Promise<T> {
    this.#pause();
    try {
      return await act();
    } finally {
      this.#resume();
    }
  }

  #pause(): void {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#left -= performance.now() - this.#since;
  }

  #resume(): void {
    // A case that has ended has nothing left.
    if (this.#timer !== undefined || this.#left === 0) return;
    this.#since = performance.now();
    const up = () => this.#end(new CaseFault(`not done after ${this.#most / 1000} s`));
    this.#timer = setTimeout(up, Math.max(1, this.#left));
  }
}

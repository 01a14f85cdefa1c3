import { coarseClock } from './coarse-clock.js';

/** Milliseconds without an answer after which a disk counts as stuck. */
const STUCK = 2000;

/** What one export has asked of its disk and has no answer to. A slow disk answers something now and then; a stuck one nothing. */
export class Medium {
  /** Operations without an answer. */
  underWay = 0;
  #since = 0;

  begin(): void {
    if (this.underWay === 0) this.#since = coarseClock.now;
    this.underWay++;
  }

  end(): void {
    this.underWay--;
    this.#since = coarseClock.now;
  }

  /** Milliseconds for which nothing that was asked has been answered. */
  get silence(): number {
    return this.underWay === 0 ? 0 : coarseClock.now - this.#since;
  }

  get isStuck(): boolean {
    return this.underWay > 0 && coarseClock.now - this.#since >= STUCK;
  }

  async during<T>(operation: Promise<T>): Promise<T> {
    this.begin();
    try {
      return await operation;
    } finally {
      this.end();
    }
  }
}

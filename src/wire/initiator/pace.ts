/**
 * How fast one target is spoken to: when an answer counts as lost, and how many requests may be under way.
 *
 * The time-out follows RFC 6298: smoothed round trip plus four times its variation, doubled at each loss; round
 * trips of repeated requests are not measured, as nobody knows which copy was answered (Karn). The window is halved
 * at a loss, grows by one for each window answered up to half of where it lost, and much more slowly from there on:
 * a target whose receive queue is shorter than the buffer count it advertises would lose frames again and again.
 */
export class Pace {
  /** Most requests under way: what the target advertises. */
  readonly most: number;
  /** Nothing is sent or repeated: who is there now is to be found out first. Answers are taken. */
  isHeld = false;
  #window: number;
  #threshold: number;
  #smoothed = 0;
  #variation = 0;
  #timeout = FIRST_TIMEOUT;
  #lastLoss = Number.NEGATIVE_INFINITY;

  constructor(most: number) {
    this.most = most;
    this.#window = most;
    this.#threshold = most;
  }

  /** Requests that may be under way now: at least 1, none while it is held. */
  get window(): number {
    return this.isHeld ? 0 : Math.floor(this.#window);
  }

  /** Milliseconds after which a request counts as lost. */
  get timeout(): number {
    return this.#timeout;
  }

  /** @param roundTrip milliseconds; undefined if the request had been repeated */
  answered(roundTrip: number | undefined): void {
    const slowness = this.#window < this.#threshold ? 1 : SLOWLY;
    this.#window = Math.min(this.most, this.#window + 1 / (slowness * this.#window));
    if (roundTrip === undefined) return;
    if (this.#smoothed === 0) {
      this.#smoothed = roundTrip;
      this.#variation = roundTrip / 2;
    } else {
      this.#variation += (Math.abs(roundTrip - this.#smoothed) - this.#variation) / 4;
      this.#smoothed += (roundTrip - this.#smoothed) / 8;
    }
    const timeout = this.#smoothed + 4 * this.#variation;
    this.#timeout = Math.min(MAX_TIMEOUT, Math.max(MIN_TIMEOUT, timeout));
  }

  /** @param now milliseconds; losses within one time-out count once */
  lost(now: number): void {
    if (now - this.#lastLoss < this.#timeout) return;
    this.#lastLoss = now;
    this.#threshold = Math.max(1, this.#window / 2);
    this.#window = this.#threshold;
    this.#timeout = Math.min(MAX_TIMEOUT, this.#timeout * 2);
  }
}

const FIRST_TIMEOUT = 200;
/** Above what a busy process or a synchronous write of the target's takes now and then. */
const MIN_TIMEOUT = 40;
/** Also how soon I/O goes on after an outage. */
const MAX_TIMEOUT = 1000;
const SLOWLY = 64;

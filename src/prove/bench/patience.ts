/** Time to wait for an answer before a request is sent again, as TCP reckons it (RFC 6298), all in milliseconds. */
const LEAST = 100;
const MOST = 2000;

export class Patience {
  #mean = 0;
  #deviation = 0;

  get limit(): number {
    return Math.min(MOST, Math.max(LEAST, 2 * this.#mean + 8 * this.#deviation));
  }

  /** @param latency of an answer to a request that was sent once */
  heard(latency: number): void {
    const difference = latency - this.#mean;
    this.#mean += difference / 8;
    this.#deviation += (Math.abs(difference) - this.#deviation) / 4;
  }
}

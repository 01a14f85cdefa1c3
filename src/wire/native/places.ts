/**
 * Places that many share. Each may hold as many as are free (dynamic thresholds, as switches share their buffers): one
 * alone gets half of them, and of many that give nothing back none leaves the others without.
 */
export class Places<K> {
  readonly #places: number;
  readonly #held = new Map<K, number>();
  #taken = 0;

  constructor(places: number) {
    this.#places = places;
  }

  get taken(): number {
    return this.#taken;
  }

  /** @param most places that this one may hold in any case */
  hasRoom(key: K, most = this.#places): boolean {
    const held = this.#held.get(key) ?? 0;
    return held < most && held < this.#places - this.#taken;
  }

  take(key: K): void {
    this.#taken++;
    this.#held.set(key, (this.#held.get(key) ?? 0) + 1);
  }

  give(key: K): void {
    this.#taken--;
    const held = (this.#held.get(key) ?? 1) - 1;
    if (held > 0) this.#held.set(key, held);
    else this.#held.delete(key);
  }
}

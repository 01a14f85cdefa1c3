/**
 * Where requests go: all blocks of the file in an order that looks random, none twice before all had their turn, the
 * same for every target in a round.
 */
export class Places {
  readonly #blocks: number;
  readonly #mask: number;
  readonly #half: number;
  #state: number;

  /** @param blocks in the file, 1 to 2^30 @param seed any whole number */
  constructor(blocks: number, seed: number) {
    const bits = Math.max(2, 32 - Math.clz32(blocks - 1));
    this.#blocks = blocks;
    this.#mask = 2 ** bits - 1;
    this.#half = bits >> 1;
    this.#state = seed & this.#mask;
  }

  /** The next block. */
  next(): number {
    for (;;) {
      // A full-period generator (multiplier 1 modulo 4, odd increment), its weak low bits mixed by steps that can be undone.
      this.#state = (Math.imul(this.#state, 0x5d588b65) + 0x3c6ef35f) & this.#mask;
      let place = this.#state;
      place ^= place >>> this.#half;
      place = Math.imul(place, 0x2c1b3c6d) & this.#mask;
      place ^= place >>> this.#half;
      if (place < this.#blocks) return place;
    }
  }
}

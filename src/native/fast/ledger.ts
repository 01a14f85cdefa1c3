import type { Mac } from '../../aoe/index.js';
import { sourceOf } from './words.js';

/** Stations are told apart by so many numbers; of several with the same one, the first of a span is told. */
const NUMBERS = 1024;
/** Spans in which a station was heard, more than others of its number, after which it counts as one that is there. */
const FAMILIAR = 3;
const MOST_FAMILIAR = 255;

/** All who were not heard before: who takes a new address for each frame is never anybody else. */
export const STRANGERS: Mac = -1;

export interface Spent {
  /** Milliseconds. */
  cost: number;
  frames: number;
}

/**
 * What each station has cost in a span, and which stations were heard before: those that were heard in the most spans, by
 * the majority vote of Boyer and Moore for each number.
 */
export class Ledger {
  readonly #spent = new Float64Array(NUMBERS);
  readonly #count = new Uint32Array(NUMBERS);
  readonly #middle = new Uint32Array(NUMBERS);
  readonly #source = new Uint32Array(NUMBERS);
  readonly #active: number[] = [];
  readonly #familiar = Array.from({ length: NUMBERS }, () => ({ mac: STRANGERS, spans: 0 }));
  /** Frames of this span. */
  frames = 0;

  /** A frame. @param middle the words that hold its source @param cost milliseconds that it took */
  spend(middle: number, source: number, cost: number): void {
    const number = Math.imul((middle >>> 16) ^ source, 0x9e37_79b1) >>> 22;
    if (this.#count[number] === 0) {
      this.#middle[number] = middle;
      this.#source[number] = source;
      this.#active.push(number);
    }
    this.#spent[number] = (this.#spent[number] as number) + cost;
    this.#count[number] = (this.#count[number] as number) + 1;
    this.frames++;
  }

  /** Ends the span. */
  close(): Map<Mac, Spent> {
    const spent = new Map<Mac, Spent>();
    for (const number of this.#active) {
      const mac = this.#meet(number);
      const { cost, frames } = spent.get(mac) ?? { cost: 0, frames: 0 };
      spent.set(mac, {
        cost: cost + (this.#spent[number] as number),
        frames: frames + (this.#count[number] as number),
      });
    }
    this.forget();
    return spent;
  }

  /** Ends the span without a word of it. */
  forget(): void {
    for (const number of this.#active) {
      this.#spent[number] = 0;
      this.#count[number] = 0;
    }
    this.#active.length = 0;
    this.frames = 0;
  }

  /** Stations that were heard before, those first that were heard most. */
  familiar(): Mac[] {
    return this.#familiar
      .filter(({ spans }) => spans >= FAMILIAR)
      .sort((one, other) => other.spans - one.spans)
      .map(({ mac }) => mac);
  }

  #meet(number: number): Mac {
    const mac = sourceOf(this.#middle[number] as number, this.#source[number] as number);
    const before = this.#familiar[number] as { mac: Mac; spans: number };
    if (before.spans === 0) before.mac = mac;
    if (before.mac !== mac) {
      before.spans--;
      return STRANGERS;
    }
    before.spans = Math.min(MOST_FAMILIAR, before.spans + 1);
    return before.spans >= FAMILIAR ? mac : STRANGERS;
  }
}

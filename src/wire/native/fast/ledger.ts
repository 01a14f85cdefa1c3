import type { Mac } from '../../aoe/index.js';
import { STRANGERS } from '../strangers.js';
import { sourceOf } from './words.js';

/** Stations are told apart by so many numbers; of each, one station is known. */
const NUMBERS = 1024;
/** Spans in which a station was heard, more than others in its place, after which it counts as one that is there. */
const FAMILIAR = 3;
const MOST_FAMILIAR = 255;

export interface Spent {
  /** Milliseconds. */
  cost: number;
  frames: number;
}

/**
 * What each station has cost in a span, and which stations were heard before: for each number the one that was heard in the
 * most spans, found as Boyer and Moore find a majority.
 */
export class Ledger {
  /** The known station of each number: the words that hold its address, in how many spans it was heard. */
  readonly #middle = new Uint16Array(NUMBERS);
  readonly #source = new Uint32Array(NUMBERS);
  readonly #heard = new Uint8Array(NUMBERS);
  /** What it has cost in this span, and how many frames came from it and from others. */
  readonly #spent = new Float64Array(NUMBERS);
  readonly #own = new Uint32Array(NUMBERS);
  readonly #others = new Uint32Array(NUMBERS);
  readonly #active: number[] = [];
  #strangers: Spent = { cost: 0, frames: 0 };
  /** Frames of this span. */
  frames = 0;

  /** A frame. @param middle the words that hold its source @param cost milliseconds that it took */
  spend(middle: number, source: number, cost: number): void {
    const upper = middle >>> 16;
    const number = numberOf(upper, source);
    if (this.#own[number] === 0 && this.#others[number] === 0) this.#active.push(number);
    if (this.#heard[number] === 0 && this.#own[number] === 0) {
      this.#middle[number] = upper;
      this.#source[number] = source;
    }
    this.frames++;
    if (this.#middle[number] === upper && this.#source[number] === source) {
      this.#own[number] = (this.#own[number] as number) + 1;
      this.#spent[number] = (this.#spent[number] as number) + cost;
      return;
    }
    this.#others[number] = (this.#others[number] as number) + 1;
    this.#strangers.frames++;
    this.#strangers.cost += cost;
  }

  /** Ends the span. */
  close(): Map<Mac, Spent> {
    const spent = new Map<Mac, Spent>();
    const strangers = this.#strangers;
    for (const number of this.#active) {
      const frames = this.#own[number] as number;
      const cost = this.#spent[number] as number;
      const heard = this.#heard[number] as number;
      this.#heard[number] = frames > 0 ? Math.min(MOST_FAMILIAR, heard + 1) : Math.max(0, heard - 1);
      if (frames > 0 && heard + 1 >= FAMILIAR) spent.set(this.#macOf(number), { cost, frames });
      else {
        strangers.cost += cost;
        strangers.frames += frames;
      }
    }
    if (strangers.frames > 0) spent.set(STRANGERS, strangers);
    this.forget();
    return spent;
  }

  /** Ends the span without a word of it. */
  forget(): void {
    for (const number of this.#active) {
      this.#spent[number] = 0;
      this.#own[number] = 0;
      this.#others[number] = 0;
    }
    this.#active.length = 0;
    this.#strangers = { cost: 0, frames: 0 };
    this.frames = 0;
  }

  isFamiliar(mac: Mac): boolean {
    const [middle, source] = wordsOf(mac);
    const number = numberOf(middle, source);
    return (
      (this.#heard[number] as number) >= FAMILIAR &&
      this.#middle[number] === middle &&
      this.#source[number] === source
    );
  }

  /** Stations that were heard before, those first that were heard most. */
  familiar(): Mac[] {
    return [...this.#heard.keys()]
      .filter((number) => (this.#heard[number] as number) >= FAMILIAR)
      .sort((one, other) => (this.#heard[other] as number) - (this.#heard[one] as number))
      .map((number) => this.#macOf(number));
  }

  #macOf(number: number): Mac {
    return sourceOf((this.#middle[number] as number) << 16, this.#source[number] as number);
  }
}

function numberOf(upper: number, source: number): number {
  return Math.imul(upper ^ source, 0x9e37_79b1) >>> 22;
}

/** The first two bytes of an address and its last four, little-endian. */
function wordsOf(mac: Mac): [number, number] {
  const bytes = Buffer.alloc(6);
  bytes.writeUIntBE(mac, 0, 6);
  return [bytes.readUInt16LE(0), bytes.readUInt32LE(2)];
}

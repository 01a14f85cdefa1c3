import type { Mac } from '../aoe/index.js';
import { Places } from './places.js';
import type { Served } from './served.js';
import { type AccountOf, STRANGERS } from './strangers.js';

/** Requests that may wait: of one export for its disk, of one initiator at one export at least, and of an interface. */
const OF_EXPORT = 1024;
const OF_INITIATOR = 64;
const OF_INTERFACE = 4096;
/** Part of both that stations have together which were not heard before: addresses can be invented. */
const OF_STRANGERS = 1 / 2;

/**
 * What the portable way holds of requests whose answers have not left, a place each, whatever they wait for: flushes that
 * become one have a frame each to be answered. An initiator may have as many under way at an export as its buffer count
 * says; none takes the room of the others, and no export whose disk is stuck that of other exports.
 */
export class UnderWay {
  readonly #interface = new Places<Served>(OF_INTERFACE);
  readonly #strangers = new Places<Served>(OF_INTERFACE * OF_STRANGERS);
  readonly #exports = new Map<Served, Places<Mac>>();
  readonly #accountOf: AccountOf;

  constructor(accountOf: AccountOf) {
    this.#accountOf = accountOf;
  }

  get count(): number {
    return this.#interface.taken;
  }

  /** Takes a place for one more of an initiator's. @returns gives it back; undefined if there is none */
  begin(served: Served, source: Mac): (() => void) | undefined {
    const places = this.#exports.get(served) ?? new Places<Mac>(OF_EXPORT);
    if (served.medium.underWay >= OF_EXPORT) return undefined;
    if (!this.#interface.hasRoom(served)) return undefined;
    if (!places.hasRoom(source, Math.max(OF_INITIATOR, served.target.bufferCount))) return undefined;
    const isStranger = this.#accountOf(source) === STRANGERS;
    if (isStranger && !this.#strangers.hasRoom(served, OF_EXPORT * OF_STRANGERS)) return undefined;
    this.#exports.set(served, places);
    places.take(source);
    this.#interface.take(served);
    if (isStranger) this.#strangers.take(served);
    return () => {
      places.give(source);
      this.#interface.give(served);
      if (isStranger) this.#strangers.give(served);
      if (places.taken === 0) this.#exports.delete(served);
    };
  }
}

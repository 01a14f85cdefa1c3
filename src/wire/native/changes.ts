import type { Mac } from '../aoe/index.js';
import { Places } from './places.js';
import type { AccountOf } from './strangers.js';

/** Requests of a station, over all exports, that may wait for a state to be kept: as many as an export is told to take; and of an interface. */
const OF_STATION = 64;
const OF_INTERFACE = 256;

/** Requests that wait until what they changed has been kept: their stations share the little that is written in a second. */
export class Changes {
  readonly #places = new Places<Mac>(OF_INTERFACE);
  readonly #accountOf: AccountOf;

  constructor(accountOf: AccountOf) {
    this.#accountOf = accountOf;
  }

  /** Takes a place. @returns gives it back; undefined if there is none */
  begin(source: Mac): (() => void) | undefined {
    const account = this.#accountOf(source);
    if (!this.#places.hasRoom(account, OF_STATION)) return undefined;
    this.#places.take(account);
    return () => this.#places.give(account);
  }
}

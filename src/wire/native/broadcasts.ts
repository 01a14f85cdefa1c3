import type { Frame, Mac } from '../aoe/index.js';
import { Rates } from './rates.js';
import type { Served } from './served.js';
import type { AccountOf } from './strangers.js';

/** Exports that are asked at a time: what is for one of them alone comes in between. */
export const PIECE = 4;
/** Frames to all that wait, of a station and of an interface: an initiator asks once, and once more if nothing comes. */
const OF_STATION = 4;
const OF_INTERFACE = 64;
/**
 * Exports that a station may have asked by frames to all, at once and in a second, and all stations together: a search of 256
 * exports now and then by each of many initiators. The latter costs a tenth of a processor.
 */
const STATION = { burst: 4096, perSecond: 2048 };
const INTERFACE = { burst: 16_384, perSecond: 8192 };

interface Broadcast {
  frame: Frame;
  source: Mac;
  /** Those that are still to be asked. */
  left: Served[];
}

/**
 * Frames that ask all exports of an interface: one of them costs as many answers as there are exports, so that they wait
 * behind what asks one alone, and their stations take turns.
 */
export class Broadcasts {
  readonly #stations: Rates<Mac>;
  readonly #interface: Rates<0>;
  readonly #accountOf: AccountOf;
  #line: Broadcast[] = [];

  /** @param now milliseconds */
  constructor(accountOf: AccountOf, now: () => number) {
    this.#accountOf = accountOf;
    this.#stations = new Rates(STATION.burst, STATION.perSecond, now);
    this.#interface = new Rates(INTERFACE.burst, INTERFACE.perSecond, now);
  }

  get count(): number {
    return this.#line.length;
  }

  /** @returns false if it has to be dropped */
  add(frame: Frame, served: readonly Served[]): boolean {
    const { source } = frame.ethernet;
    const own = this.#line.filter((one) => one.source === source).length;
    if (own >= OF_STATION || this.#line.length >= OF_INTERFACE) return false;
    if (this.#interface.wait(0) > 0) return false;
    if (!this.#stations.take(this.#accountOf(source), served.length)) return false;
    this.#interface.take(0, served.length);
    this.#line.push({ frame, source, left: [...served] });
    return true;
  }

  /** Some that are to be asked next. */
  next(): { frame: Frame; served: Served[] } | undefined {
    const one = this.#line.shift();
    if (one === undefined) return undefined;
    const served = one.left.splice(0, PIECE);
    if (one.left.length > 0) this.#line.push(one);
    return { frame: one.frame, served };
  }
}

import { setTimeout as sleep } from 'node:timers/promises';
import { Rates } from './rates.js';
import { Turns } from './turns.js';

/**
 * States that are written at once and in a second: of one export more than anybody sets by hand or a cluster moves its
 * reservations, and of all of them so few that their syncs leave disk and threads to the data.
 */
const AN_EXPORT = { burst: 64, perSecond: 16 };
const ALL = { burst: 256, perSecond: 64 };

export interface Pace {
  /** Milliseconds. */
  now(): number;
  sleep(time: number): Promise<unknown>;
}

const REAL: Pace = { now: () => performance.now(), sleep: (time) => sleep(time) };

/** Writes states one after the other, at a bounded rate: whoever changes them over the wire has no more of the disk than that. */
export class StateWrites {
  readonly #exports: Rates<string>;
  readonly #all: Rates<0>;
  readonly #pace: Pace;
  readonly #turns = new Turns(1);

  constructor(pace: Pace = REAL) {
    this.#pace = pace;
    this.#exports = new Rates(AN_EXPORT.burst, AN_EXPORT.perSecond, pace.now);
    this.#all = new Rates(ALL.burst, ALL.perSecond, pace.now);
  }

  /** @param name of the export's file: it waits for its own rate before it takes a turn of the others' */
  async run(name: string, write: () => Promise<void>): Promise<void> {
    await this.#waitFor(this.#exports, name);
    await this.#turns.run(async () => {
      await this.#waitFor(this.#all, 0);
      await write();
    });
  }

  async #waitFor<K>(rates: Rates<K>, key: K): Promise<void> {
    while (!rates.take(key)) await this.#pace.sleep(rates.wait(key));
  }
}

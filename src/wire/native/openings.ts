import { coarseClock } from './coarse-clock.js';
import type { Served } from './served.js';
import { openingTurns } from './turns.js';

interface Opening {
  since: number;
  /** Undefined as long as the disk has not answered. */
  outcome: { served: Served } | { error: Error } | undefined;
  done: Promise<void>;
  /** Nobody waits for it any more. */
  isLate: boolean;
  isTaken: boolean;
  isWanted: boolean;
}

/**
 * Exports that are being opened, by a key each. An opening whose disk does not answer can't be called off: it is left to
 * itself, and nobody waits for it longer than he wants to.
 */
export class Openings {
  readonly #openings = new Map<string, Opening>();
  readonly #onLate: () => void;

  /** @param onLate called when one is done that was not waited for to its end */
  constructor(onLate: () => void) {
    this.#onLate = onLate;
  }

  /** Begins one, unless it is under way. */
  begin(key: string, open: () => Promise<Served>): void {
    if (this.#openings.has(key)) return;
    const opening: Opening = {
      since: coarseClock.now,
      outcome: undefined,
      done: Promise.resolve(),
      isLate: false,
      isTaken: false,
      isWanted: true,
    };
    this.#openings.set(key, opening);
    opening.done = openingTurns.run(open).then(
      (served) => this.#end(opening, { served }),
      (error: Error) => this.#end(opening, { error }),
    );
  }

  /** Resolves when those that are new are done, or after so many milliseconds. */
  async untilDone(patience: number): Promise<void> {
    const all = [...this.#openings.values()].filter(
      ({ outcome, isLate }) => outcome === undefined && !isLate,
    );
    if (all.length === 0) return;
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, patience);
    });
    await Promise.race([Promise.all(all.map(({ done }) => done)), limit]);
    clearTimeout(timer);
    for (const opening of all) opening.isLate = opening.outcome === undefined;
  }

  /** What came of one; milliseconds for which its disk has not answered if nothing did. */
  take(key: string): { served: Served } | { error: Error } | { silence: number } {
    const opening = this.#openings.get(key);
    if (opening === undefined) return { silence: 0 };
    if (opening.outcome === undefined) return { silence: coarseClock.now - opening.since };
    opening.isTaken = true;
    return opening.outcome;
  }

  /** Forgets those that were taken, and all others but these: what they open is closed as soon as it is open. */
  retain(keys: ReadonlySet<string>): void {
    for (const [key, opening] of this.#openings) {
      if (keys.has(key) && !opening.isTaken) continue;
      this.#openings.delete(key);
      if (opening.isTaken) continue;
      opening.isWanted = false;
      if (opening.outcome !== undefined) closeUnwanted(opening.outcome);
    }
  }

  #end(opening: Opening, outcome: NonNullable<Opening['outcome']>): void {
    opening.outcome = outcome;
    if (!opening.isWanted) closeUnwanted(outcome);
    else if (opening.isLate) this.#onLate();
  }
}

function closeUnwanted(outcome: NonNullable<Opening['outcome']>): void {
  if ('served' in outcome) void outcome.served.backing.close().catch(() => {});
}

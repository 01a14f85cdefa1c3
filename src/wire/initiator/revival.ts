import { setTimeout as sleep } from 'node:timers/promises';
import { LabError } from '../../base/errors.js';
import { type Address, formatAddress, type Identify, type Mac } from '../aoe/index.js';
import { describeIdentity, describeStation, isSameIdentity, type Station } from './disks.js';
import { ForeignDeviceError, NoAnswerError, noAnswer } from './faults.js';
import type { Lane } from './lane.js';
import { whoAnswers } from './who-answers.js';

/** Milliseconds for answers of those who may have the address. */
const WAIT = 250;
/** Milliseconds between two searches for a target that is silent on all paths. */
const PAUSE = 100;
const IDLE_PAUSE = 1000;
const LONGEST_PAUSE = 30_000;

export interface RevivalOptions {
  /** What the target is: a station with another disk is never used. */
  expected(): Identify | undefined;
  /** Whether anything waits for the target. */
  isWanted(): boolean;
  /** Called when a path has come into use. */
  onUsed(): void;
  /** Called when the target of a path that is held was found: where it was, or elsewhere. */
  onFound(lane: Lane, mac: Mac): Promise<void>;
}

/** Finds a target again. */
export class Revival {
  readonly #address: Address;
  readonly #options: RevivalOptions;
  readonly #searches = new Set<Lane>();

  constructor(address: Address, options: RevivalOptions) {
    this.#address = address;
    this.#options = options;
  }

  /**
   * Tries a path that is not in use in a while, and again until it is sound, after pauses that double. Does not keep the
   * process from ending.
   */
  later(lane: Lane): void {
    const pause = lane.pause;
    lane.pause = Math.min(LONGEST_PAUSE, pause * 2);
    setTimeout(() => {
      this.#attempt(lane).catch((error: unknown) => {
        lane.trouble = troubleOf(error);
        this.later(lane);
      });
    }, pause).unref();
  }

  /**
   * Searches for the target of a path that is held, until it is found or the path is not held any more; one search at a
   * time. Does not keep the process from ending once nothing waits for it.
   */
  async regain(lane: Lane): Promise<void> {
    if (this.#searches.has(lane)) return;
    this.#searches.add(lane);
    await this.#search(lane);
    this.#searches.delete(lane);
  }

  async #search(lane: Lane): Promise<void> {
    const isWaiting = (): boolean => lane.isUsed && lane.isHeld;
    while (isWaiting()) {
      try {
        const mac = await this.#find(lane);
        if (isWaiting()) await this.#options.onFound(lane, mac);
        return;
      } catch (error) {
        lane.trouble = troubleOf(error);
        lane.refusal = error instanceof ForeignDeviceError ? error : undefined;
        // The link is at its end: the next sending says so.
        if (!(error instanceof ForeignDeviceError || error instanceof NoAnswerError)) {
          lane.resume();
          this.#options.onUsed();
          return;
        }
      }
      const isWanted = this.#options.isWanted();
      await sleep(isWanted ? PAUSE : IDLE_PAUSE, undefined, { ref: isWanted });
    }
  }

  /** @throws LabError as #find does */
  async #attempt(lane: Lane): Promise<void> {
    lane.use(await this.#find(lane));
    this.#options.onUsed();
  }

  /**
   * Where the target is on a path now; not where it was last: it may have come back behind another interface.
   * @throws ForeignDeviceError if another disk answers for its address · NoAnswerError if none does · LabError if the
   *   link can't send any more
   */
  async #find({ link, mac: last }: Lane): Promise<Mac> {
    const expected = this.#options.expected();
    const tried = `looking for ${formatAddress(this.#address)} on ${link.name} again`;
    const stations = await whoAnswers(link, this.#address, { wait: WAIT, identify: expected !== undefined });
    const right = stations.filter((station) => isRight(station, expected, last));
    const found = right.find(({ mac }) => mac === last) ?? right[0];
    // One station that tells of two disks is none of them.
    const isMixed = found !== undefined && stations.filter(({ mac }) => mac === found.mac).length > 1;
    if (found !== undefined && !isMixed) return found.mac;
    const [silent] = stations.filter(({ identity }) => identity === undefined);
    if (stations.length === 0 || (silent !== undefined && stations.length === 1)) {
      throw noAnswer(this.#address, tried, WAIT, 1, silent?.fault?.facts.happened ?? link.trouble);
    }
    throw new ForeignDeviceError({
      tried,
      happened: [
        `another disk answers there instead of ${describeIdentity(expected)}:`,
        ...stations.map((station) => `- ${describeStation(station)}`),
      ],
      next: 'end what answers in its place, or give it another address',
    });
  }
}

/** A disk without a serial number can only be told by where it is. */
function isRight({ mac, identity }: Station, expected: Identify | undefined, last: Mac | undefined): boolean {
  if (expected === undefined) return last === undefined || mac === last;
  if (identity === undefined || !isSameIdentity(identity, expected)) return false;
  return expected.serial !== '' || last === undefined || mac === last;
}

function troubleOf(error: unknown): string {
  return error instanceof LabError ? error.facts.happened : String(error);
}

import {
  type Address,
  type Ata,
  AtaCommand,
  BROADCAST,
  Command,
  ConfigCommand,
  decodeIdentify,
  type Frame,
  formatAddress,
  type Identify,
  identifiedSectors,
  type Mac,
  MIN_FRAME,
} from '../aoe/index.js';
import { LabError } from '../errors.js';
import type { Link } from '../link/link.js';
import { answerFault } from './faults.js';
import { initiatorOf } from './initiator.js';
import type { Lane } from './lane.js';
import { Pace } from './pace.js';
import { Requests } from './requests.js';

/** Milliseconds that a path that is tried has for each of two answers. */
const PATIENCE = 1000;
const LONGEST_PAUSE = 30_000;

/** Another device answers to the target's address on a path. */
export class ForeignDeviceError extends LabError {}

/** Tries paths that are not in use, each after a pause that doubles as long as it fails. */
export class Revival {
  readonly #address: Address;
  readonly #expected: () => Identify | undefined;
  readonly #onUsed: () => void;

  /**
   * @param expected what the target is: a path to another device is never used
   * @param onUsed called when a path has come into use
   */
  constructor(address: Address, expected: () => Identify | undefined, onUsed: () => void) {
    this.#address = address;
    this.#expected = expected;
    this.#onUsed = onUsed;
  }

  /** Tries a path in a while, and again until it is sound. Does not keep the process from ending. */
  later(lane: Lane): void {
    const pause = lane.pause;
    lane.pause = Math.min(LONGEST_PAUSE, pause * 2);
    setTimeout(() => {
      this.attempt(lane).catch((error: LabError) => {
        lane.trouble = error.facts?.happened ?? String(error);
        this.later(lane);
      });
    }, pause).unref();
  }

  /**
   * Tries a path now, and takes it into use.
   * @throws ForeignDeviceError if another device answers there · LabError if none does
   */
  async attempt(lane: Lane): Promise<void> {
    const { link } = lane;
    // Not where it was last: it may have come back behind another interface.
    const mac = (await ask(link, this.#address, BROADCAST, 'config')).ethernet.source;
    const answer = await ask(link, this.#address, mac, 'ata');
    const identity = answer.kind === 'ata' ? decodeIdentify(answer.data) : undefined;
    const expected = this.#expected();
    if (identity === undefined || (expected !== undefined && !isSame(identity, expected))) {
      throw new ForeignDeviceError({
        tried: `taking a further path to ${formatAddress(this.#address)} on ${link.name}`,
        happened: `another device answers there: ${describe(identity)} instead of ${describe(expected)}`,
        next: 'name only interfaces that lead to the same device, or give the devices different addresses',
      });
    }
    lane.use(mac);
    this.#onUsed();
  }
}

function isSame(one: Identify, other: Identify): boolean {
  return (
    one.model === other.model &&
    one.serial === other.serial &&
    identifiedSectors(one) === identifiedSectors(other)
  );
}

function describe(identity: Identify | undefined): string {
  if (identity === undefined) return 'one without an identity';
  return `"${identity.model}" with serial "${identity.serial}" and ${identifiedSectors(identity)} sectors`;
}

/** One request outside of any queue. @returns the answer, as a copy */
function ask(link: Link, address: Address, mac: Mac, kind: 'config' | 'ata'): Promise<Frame> {
  const bytes = Buffer.alloc(MIN_FRAME);
  const requests = new Requests(link.mac, mac, address);
  const identify: Ata = { flags: 0, errFeature: 0, count: 1, cmdStatus: AtaCommand.identifyDevice, lba: 0 };
  if (kind === 'config') requests.config(bytes, ConfigCommand.read);
  else requests.ata(bytes, identify);
  const tried = `trying the path ${link.name} to ${formatAddress(address)}`;
  return new Promise((resolve, reject) => {
    initiatorOf(link).submit({
      tried,
      address,
      mac,
      command: kind === 'config' ? Command.config : Command.ata,
      bytes,
      pace: new Pace(1),
      timeout: PATIENCE,
      onAnswer: (frame) => {
        const fault = answerFault(address, tried, frame);
        if (fault) reject(fault);
        else resolve(frame.kind === 'ata' ? { ...frame, data: Buffer.from(frame.data) } : frame);
      },
      onFailure: reject,
    });
  });
}

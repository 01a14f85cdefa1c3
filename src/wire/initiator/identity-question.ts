import { LabError } from '../../base/errors.js';
import {
  type Ata,
  AtaCommand,
  Command,
  decodeIdentify,
  describeFault,
  ETHERNET_HEADER,
  type Frame,
  formatAddress,
  IDENTIFY_LENGTH,
  type Identify,
  MIN_FRAME,
} from '../aoe/index.js';
import { isSameIdentity, type Station } from './disks.js';
import { answerFault, noAnswer } from './faults.js';
import { type Collection, initiatorOf, type ReadableFault } from './initiator.js';
import { Requests } from './requests.js';

export const IDENTIFY: Ata = {
  flags: 0,
  errFeature: 0,
  count: 1,
  cmdStatus: AtaCommand.identifyDevice,
  lba: 0,
};
/** Milliseconds after which it is asked again; doubled each time. */
const FIRST_PAUSE = 100;

/** Asks one station for its disk, and hears all that it answers: two processes behind one interface both do. */
export class IdentityQuestion {
  readonly #station: Station;
  readonly #tried: string;
  readonly #found: Identify[] = [];
  #collection: Collection | undefined;
  #fault: LabError | undefined;
  #tries = 0;
  #first = 0;
  #now = 0;
  #due = 0;
  #pause = FIRST_PAUSE;

  constructor(station: Station) {
    this.#station = station;
    this.#tried = `identifying ${formatAddress(station)}`;
    this.#fault = station.fault;
  }

  /**
   * Sends what is due. @param now milliseconds @returns whether an answer is waited for
   * @throws LabError if the link can't send any more
   */
  ask(now: number): boolean {
    if (this.#found.length > 0 || this.#fault !== undefined) return false;
    if (this.#collection === undefined) this.#first = now;
    this.#collection ??= this.#begin();
    if (this.#collection === undefined) return false;
    this.#now = now;
    if (now >= this.#due) {
      this.#collection.repeat();
      this.#tries++;
      this.#due = now + this.#pause;
      this.#pause *= 2;
    }
    return true;
  }

  stop(): void {
    this.#collection?.stop();
  }

  /** The station with its disk, or why that is not known; once for each disk. */
  get outcome(): Station[] {
    const identities = this.#found.length > 0 ? this.#found : [undefined];
    return identities.map((identity) => ({
      ...this.#station,
      identity,
      fault: this.#station.fault ?? (identity ? undefined : (this.#fault ?? this.#silence())),
    }));
  }

  #begin(): Collection | undefined {
    const { link, mac } = this.#station;
    if (link.mtu + ETHERNET_HEADER < IDENTIFY_FRAME) {
      this.#fault = new LabError({
        tried: this.#tried,
        happened: `no sector fits into the MTU of ${link.mtu} bytes of ${link.name}`,
        next: `raise the interface's MTU to ${IDENTIFY_FRAME - ETHERNET_HEADER} or more`,
      });
      return undefined;
    }
    const bytes = Buffer.alloc(MIN_FRAME);
    new Requests(link.mac, mac, this.#station).ata(bytes, IDENTIFY);
    return initiatorOf(link).collect(bytes, (frame) => this.#hear(frame));
  }

  /** @returns whether it answers this question */
  #hear(frame: Frame | ReadableFault): boolean {
    const { ethernet, header } = frame;
    const { shelf, slot, mac } = this.#station;
    if (ethernet.source !== mac || header.major !== shelf || header.minor !== slot) return false;
    if (header.command !== Command.ata) return false;
    if (frame.kind === 'fault') {
      this.#fault = this.#failure(`its answer can't be read: ${describeFault(frame)}`);
      return true;
    }
    const fault = answerFault(this.#station, this.#tried, frame);
    const identity = frame.kind === 'ata' ? decodeIdentify(frame.data) : undefined;
    if (fault) this.#fault = fault;
    else if (identity === undefined) {
      this.#fault = this.#failure(
        `${formatAddress(this.#station)} answered without the ${IDENTIFY_LENGTH} bytes of its identity`,
      );
    } else if (!this.#found.some((known) => isSameIdentity(known, identity))) this.#found.push(identity);
    return true;
  }

  #silence(): LabError {
    if (this.#tries === 0) return this.#failure('it was not asked: too many others did not answer');
    const { link } = this.#station;
    return noAnswer(this.#station, this.#tried, this.#now - this.#first, this.#tries, link.trouble);
  }

  #failure(happened: string): LabError {
    return new LabError({ tried: this.#tried, happened });
  }
}

/** Bytes of a frame with an identity: headers of Ethernet, AoE and ATA, and a sector. */
const IDENTIFY_FRAME = ETHERNET_HEADER + 22 + IDENTIFY_LENGTH;

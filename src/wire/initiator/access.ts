import { LabError, UsageError } from '../../base/errors.js';
import {
  Command,
  ETHERNET_HEADER,
  type Frame,
  formatMac,
  MASK_DIRECTIVE,
  MASK_LIST_OFFSET,
  type Mac,
  MaskCommand,
  type MaskDirective,
  MaskDirectiveCommand,
  MaskError,
  RESERVE_ENTRY,
  RESERVE_LIST_OFFSET,
  ReserveCommand,
} from '../aoe/index.js';
import { lockedHint, MaskAnswerError } from './faults.js';
import type { Requests } from './requests.js';
import type { Work } from './work.js';

/** How a session asks one thing and takes from the answer what it wants. */
export type Ask = <T>(work: Omit<Work, 'onAnswer' | 'onFailure'>, pick: (frame: Frame) => T) => Promise<T>;

/** Addresses that a count of one byte can tell. */
const MOST = 255;

const MASK_ERRORS: Readonly<Record<number, string>> = {
  [MaskError.unspecified]: 'unspecified',
  [MaskError.badDirective]: 'bad directive',
  [MaskError.listFull]: 'the list is full',
};

/** Who may use a target: its MAC mask list and its reservation (sections 3.3 and 3.4 of the specification). */
export class Access {
  readonly #name: string;
  readonly #requests: Requests;
  readonly #ask: Ask;
  /** Bytes of a frame, Ethernet header included. */
  readonly #frame: number;

  /** @param mtu of the link, in bytes */
  constructor(name: string, requests: Requests, mtu: number, ask: Ask) {
    this.#name = name;
    this.#requests = requests;
    this.#frame = mtu + ETHERNET_HEADER;
    this.#ask = ask;
  }

  /** The addresses that alone are answered; empty: everybody is. */
  maskList(): Promise<Mac[]> {
    return this.#mask(`reading the MAC mask list of ${this.#name}`, MaskCommand.read, []);
  }

  /**
   * Changes the mask list; where a frame does not hold all directives, by several.
   * @returns the list as it is now
   * @throws MaskAnswerError if a directive is refused: those before it are carried out
   */
  async editMasks(change: { add?: readonly Mac[]; remove?: readonly Mac[] }): Promise<Mac[]> {
    // Added first: a list that is never empty on the way does not let everybody in.
    const directives: MaskDirective[] = [
      ...(change.add ?? []).map((mac) => ({ dcmd: MaskDirectiveCommand.add, mac })),
      ...(change.remove ?? []).map((mac) => ({ dcmd: MaskDirectiveCommand.delete, mac })),
    ];
    if (directives.length === 0) return this.maskList();
    const fit = Math.min(MOST, Math.floor((this.#frame - MASK_LIST_OFFSET) / MASK_DIRECTIVE));
    let list: Mac[] = [];
    for (let start = 0; start < directives.length; start += fit) {
      const part = directives.slice(start, start + fit);
      list = await this.#mask(`changing the MAC mask list of ${this.#name}`, MaskCommand.edit, part);
    }
    return list;
  }

  /** The addresses that have reserved the target; empty: it is free. */
  reservation(): Promise<Mac[]> {
    return this.#reserve(`reading the reservation of ${this.#name}`, ReserveCommand.read, []);
  }

  /**
   * Reserves the target, or changes a reservation that one holds.
   * @param force take it over from others
   * @returns who has reserved it now
   * @throws AoeAnswerError with code 6 if others have reserved it · UsageError if a frame does not hold the addresses
   */
  reserve(macs: readonly Mac[], { force = false } = {}): Promise<Mac[]> {
    const tried = `reserving ${this.#name} for ${macs.map(formatMac).join(', ') || 'nobody'}`;
    const fit = Math.min(MOST, Math.floor((this.#frame - RESERVE_LIST_OFFSET) / RESERVE_ENTRY));
    if (macs.length > fit) {
      throw new UsageError({
        tried,
        happened: `at most ${fit} addresses fit into a frame`,
        next: 'name fewer',
      });
    }
    return this.#reserve(tried, force ? ReserveCommand.forceSet : ReserveCommand.set, macs);
  }

  /**
   * Ends a reservation that one holds, or (by force) any.
   * @throws AoeAnswerError with code 6 if others hold it
   */
  async release({ force = false } = {}): Promise<void> {
    await this.#reserve(`releasing ${this.#name}`, force ? ReserveCommand.forceSet : ReserveCommand.set, []);
  }

  #mask(tried: string, mcmd: number, directives: MaskDirective[]): Promise<Mac[]> {
    const write = (into: Buffer) => this.#requests.mask(into, mcmd, directives);
    return this.#ask({ tried, command: Command.mask, write }, (frame) => {
      if (frame.kind !== 'mask') throw this.#strange(tried);
      const { merror } = frame.mask;
      if (merror !== MaskError.none) {
        const happened = `${this.#name} answered with mask error ${merror} (${MASK_ERRORS[merror] ?? 'unknown'})`;
        const next = merror === MaskError.unspecified ? { next: lockedHint(this.#name) } : {};
        throw new MaskAnswerError({ tried, happened, ...next }, merror);
      }
      return frame.mask.directives.map(({ mac }) => mac);
    });
  }

  #reserve(tried: string, rcmd: number, macs: readonly Mac[]): Promise<Mac[]> {
    const write = (into: Buffer) => this.#requests.reserve(into, rcmd, [...macs]);
    return this.#ask({ tried, command: Command.reserve, write }, (frame) => {
      if (frame.kind !== 'reserve') throw this.#strange(tried);
      return [...frame.reserve.macs];
    });
  }

  #strange(tried: string): LabError {
    return new LabError({ tried, happened: `${this.#name} answered another command` });
  }
}

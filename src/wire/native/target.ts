import {
  type Address,
  ALL_SHELVES,
  ALL_SLOTS,
  BROADCAST,
  type Envelope,
  type Frame,
  type Mac,
  responseHeader,
} from '../aoe/index.js';
import type { Port, Reaction } from './reaction.js';
import { NO_STATE, type TargetState } from './state.js';

/** What a target is, given once. */
export interface TargetSettings {
  address: Address;
  /** Writes are aborted. */
  readOnly?: boolean | undefined;
  /** Who is answered at all; empty or absent: everybody. */
  macs?: readonly Mac[] | undefined;
  /** Announced to everybody although there is an access list. */
  broadcast?: boolean | undefined;
  /** Config string, mask list and reservation can't be changed over the wire. */
  locked?: boolean | undefined;
  /** Requests that an initiator may have under way; default 64. */
  bufferCount?: number | undefined;
  /** ATA serial number, at most 20 printable ASCII characters. */
  serial?: string | undefined;
}

/** Requests an initiator may have under way unless told otherwise. */
export const DEFAULT_BUFFER_COUNT = 64;
/** Firmware version in the answer to query config. */
export const FIRMWARE = 1;

/**
 * One AoE target (revision 11 of the specification), without any I/O: what it is, what is set of it, and who may use it. What a
 * request asks of it is in `react.ts`.
 */
export class NativeTarget {
  readonly address: Address;
  readonly readOnly: boolean;
  readonly bufferCount: number;
  readonly serial: string;
  readonly broadcast: boolean;
  /** As in its settings; may be set at any time. */
  locked: boolean;
  readonly #allowed: ReadonlySet<Mac>;
  #state: TargetState;
  #masks: ReadonlySet<Mac> = new Set();
  #reservation: ReadonlySet<Mac> = new Set();
  /** Of 512 bytes; kept up to date by whoever holds the backing store. */
  sectors: number;

  /** @param state what was kept by an earlier process */
  constructor(settings: TargetSettings, sectors: number, state: TargetState = NO_STATE) {
    this.address = settings.address;
    this.readOnly = settings.readOnly ?? false;
    this.bufferCount = settings.bufferCount ?? DEFAULT_BUFFER_COUNT;
    this.serial = settings.serial ?? '';
    this.broadcast = settings.broadcast ?? false;
    this.locked = settings.locked ?? false;
    this.#allowed = new Set(settings.macs);
    this.sectors = sectors;
    this.#state = state;
    this.state = state;
  }

  get state(): TargetState {
    return this.#state;
  }

  set state(state: TargetState) {
    this.#state = state;
    this.#masks = new Set(state.masks);
    this.#reservation = new Set(state.reservation);
    this.open = this.#allowed.size === 0 && this.#masks.size === 0 && this.#reservation.size === 0;
  }

  /** Whether everybody may use it: no access list, no mask list, no reservation. */
  open = true;

  /** Whether it hears a source at all: access list and mask list. */
  hears(source: Mac): boolean {
    return (
      (this.#allowed.size === 0 || this.#allowed.has(source)) &&
      (this.#masks.size === 0 || this.#masks.has(source))
    );
  }

  /** Whether a source may use the device: nobody else has reserved it. */
  mayUse(source: Mac): boolean {
    return this.#reservation.size === 0 || this.#reservation.has(source);
  }

  /** Ethernet and AoE header of an answer. @param error an AoeError, or 0 */
  envelope(request: Envelope, port: Port, error = 0): Envelope {
    const { shelf, slot } = this.address;
    return {
      ethernet: { destination: request.ethernet.source, source: port.mac },
      header: responseHeader(request.header, shelf, slot, error),
    };
  }

  /** An error of AoE's without a section of its own. */
  refuse(request: Envelope, port: Port, error: number): Reaction {
    const frame: Frame = { ...this.envelope(request, port, error), kind: 'unknown', body: NOTHING };
    return { kind: 'answer', frame };
  }

  /** Whether a frame for this shelf and slot is for it. */
  isAddressed(major: number, minor: number): boolean {
    const { shelf, slot } = this.address;
    return (major === shelf || major === ALL_SHELVES) && (minor === slot || minor === ALL_SLOTS);
  }

  /** Who is told that it is there: those who may use it. */
  get listeners(): readonly Mac[] {
    const masks = [...this.#masks].filter((mac) => this.#allowed.size === 0 || this.#allowed.has(mac));
    if (this.#masks.size > 0) return masks;
    return this.#allowed.size > 0 && !this.broadcast ? [...this.#allowed] : [BROADCAST];
  }
}

const NOTHING = Buffer.alloc(0);

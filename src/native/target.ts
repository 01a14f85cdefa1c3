import {
  type Address,
  ALL_SHELVES,
  ALL_SLOTS,
  AOE_VERSION,
  AoeError,
  BROADCAST,
  type Envelope,
  type Fault,
  type Frame,
  HeaderFlag,
  isGroup,
  type Mac,
  responseHeader,
} from '../aoe/index.js';
import { reactToAta } from './ata.js';
import { configAnswer, reactToConfig } from './config.js';
import { isDirected } from './directed.js';
import { reactToMask } from './mask.js';
import type { Port, Reaction, Silence } from './reaction.js';
import { reactToReserve } from './reserve.js';
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

/** Address of the interface lo. */
const LOOPBACK: Mac = 0;

/**
 * One AoE target (revision 11 of the specification), without any I/O: it says what each request asks for, and how the
 * outcome is to be answered.
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

  /** What is to be done about what came in at a port. Never throws. */
  react(frame: Frame | Fault, port: Port): Reaction {
    const { ethernet, header } = frame;
    if (ethernet === undefined || header === undefined) return silence('unreadable');
    const { source, destination } = ethernet;
    if (header.flags & HeaderFlag.response || !this.#isAddressed(header.major, header.minor)) {
      return silence('not-for-us');
    }
    // A frame from a group address, or from ourselves, can't be answered; on loopback all frames bear one address.
    const isOwn = source === port.mac && source !== LOOPBACK;
    if (isGroup(source) || isOwn || (destination !== port.mac && !isGroup(destination))) {
      return silence('not-for-us');
    }
    if (!this.hears(source)) return silence('not-allowed');
    const envelope: Envelope = { ethernet, header };
    if (header.version !== AOE_VERSION) return this.refuse(envelope, port, AoeError.unsupportedVersion);
    if (frame.kind !== 'fault' && !isDirected(frame, port.mac)) return silence('undirected');
    switch (frame.kind) {
      case 'ata':
        return reactToAta(this, frame, port);
      case 'config':
        return reactToConfig(this, frame, port);
      case 'mask':
        return reactToMask(this, frame, port);
      case 'reserve':
        return reactToReserve(this, frame, port);
      case 'fault':
        return this.refuse(envelope, port, AoeError.badArgument);
      default:
        return this.refuse(envelope, port, AoeError.unrecognisedCommand);
    }
  }

  /** The frames that tell everybody who may use it that it is there. */
  announcements(port: Port): Frame[] {
    const masks = [...this.#masks].filter((mac) => this.#allowed.size === 0 || this.#allowed.has(mac));
    const listeners = this.#masks.size > 0 ? masks : [...this.#allowed];
    const limited = this.#masks.size > 0 || (this.#allowed.size > 0 && !this.broadcast);
    const request: Envelope = {
      ethernet: { destination: port.mac, source: BROADCAST },
      header: { version: AOE_VERSION, flags: 0, error: 0, major: 0, minor: 0, command: 1, tag: 0 },
    };
    return (limited ? listeners : [BROADCAST]).map((source) =>
      configAnswer(this, { ...request, ethernet: { ...request.ethernet, source } }, port, 0),
    );
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

  #isAddressed(major: number, minor: number): boolean {
    const { shelf, slot } = this.address;
    return (major === shelf || major === ALL_SHELVES) && (minor === slot || minor === ALL_SLOTS);
  }
}

const NOTHING = Buffer.alloc(0);

function silence(why: Silence): Reaction {
  return { kind: 'silence', why };
}

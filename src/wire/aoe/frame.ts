import { ATA_DATA_OFFSET, type Ata, decodeAta, encodeAta } from './ata.js';
import { CONFIG_STRING_OFFSET, type Config, decodeConfig, encodeConfig } from './config.js';
import { AtaFlag, Command, HeaderFlag, isVendorCommand, SECTOR } from './constants.js';
import {
  decodeEthernet,
  ETHERNET_HEADER,
  ETHERTYPE_AOE,
  type EthernetHeader,
  encodeEthernet,
  MIN_FRAME,
} from './ethernet.js';
import type { BodyFault, Fault } from './fault.js';
import { type AoeHeader, BODY_OFFSET, decodeHeader, encodeHeader } from './header.js';
import { decodeMask, encodeMask, MASK_DIRECTIVE, MASK_LIST_OFFSET, type Mask } from './mask.js';
import { decodeReserve, encodeReserve, RESERVE_ENTRY, RESERVE_LIST_OFFSET, type Reserve } from './reserve.js';

/** What all frames have. */
export interface Envelope {
  ethernet: EthernetHeader;
  header: AoeHeader;
}

export interface AtaFrame extends Envelope {
  kind: 'ata';
  ata: Ata;
  /** Whole sectors that follow the section; empty if none do. */
  data: Buffer;
}

export interface ConfigFrame extends Envelope {
  kind: 'config';
  config: Config;
}

export interface MaskFrame extends Envelope {
  kind: 'mask';
  mask: Mask;
}

export interface ReserveFrame extends Envelope {
  kind: 'reserve';
  reserve: Reserve;
}

/** A command of a vendor's (0xF0 to 0xFF) or one that the specification does not know, uninterpreted. */
export interface RawFrame extends Envelope {
  kind: 'vendor' | 'unknown';
  /** All that follows the header, padding included. */
  body: Buffer;
}

/** Told apart by `kind`, which follows from `header.command`. */
export type Frame = AtaFrame | ConfigFrame | MaskFrame | ReserveFrame | RawFrame;

const NO_DATA = Buffer.alloc(0);

/** Where the fixed fields of commands 0 to 3 end. */
const FIXED_LENGTHS = [ATA_DATA_OFFSET, CONFIG_STRING_OFFSET, MASK_LIST_OFFSET, RESERVE_LIST_OFFSET];

/**
 * Reads a frame. Never throws; nothing is copied: `data`, `body` and `config.string` are views of `bytes` (or, of a
 * frame shorter than its fixed fields, of a copy padded with zeros). The version is not judged, so that a target can
 * answer other versions with an error.
 *
 * @param bytes from the destination MAC on, without the check sequence
 */
export function parseFrame(bytes: Uint8Array): Frame | Fault {
  let b = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (b.length < BODY_OFFSET) return tooShort(b);
  const etherType = b.readUInt16BE(12);
  if (etherType !== ETHERTYPE_AOE) {
    return fault({ field: 'EtherType', reason: `0x${hex(etherType, 4)} is not AoE's 0x88a2` });
  }
  const ethernet = decodeEthernet(b);
  const header = decodeHeader(b);
  const { command } = header;
  if (command > Command.reserve) {
    return {
      kind: isVendorCommand(command) ? 'vendor' : 'unknown',
      ethernet,
      header,
      body: b.subarray(BODY_OFFSET),
    };
  }
  const fixed = FIXED_LENGTHS[command] as number;
  if (b.length < fixed) b = padded(b, fixed);
  switch (command) {
    case Command.ata: {
      const ata = decodeAta(b);
      const sectors = Math.floor((b.length - ATA_DATA_OFFSET) / SECTOR);
      const isWrite = (ata.flags & AtaFlag.write) !== 0 && (header.flags & HeaderFlag.response) === 0;
      if (isWrite && sectors < ata.count) {
        const reason = `${ata.count} sectors are announced, ${b.length - ATA_DATA_OFFSET} bytes are there`;
        return fault({ field: 'data', reason }, ethernet, header);
      }
      const data = sectors === 0 ? NO_DATA : b.subarray(ATA_DATA_OFFSET, ATA_DATA_OFFSET + sectors * SECTOR);
      return { kind: 'ata', ethernet, header, ata, data };
    }
    case Command.config: {
      const config = decodeConfig(b);
      if ('reason' in config) return fault(config, ethernet, header);
      return { kind: 'config', ethernet, header, config };
    }
    case Command.mask: {
      const mask = decodeMask(b);
      if ('reason' in mask) return fault(mask, ethernet, header);
      return { kind: 'mask', ethernet, header, mask };
    }
    default: {
      const reserve = decodeReserve(b);
      if ('reason' in reserve) return fault(reserve, ethernet, header);
      return { kind: 'reserve', ethernet, header, reserve };
    }
  }
}

/** Bytes that `frame` takes on the wire, at least 60. */
export function frameLength(frame: Frame): number {
  return Math.max(MIN_FRAME, contentLength(frame));
}

/**
 * Writes a frame at the start of `into`, padded with zeros to 60 bytes.
 * @returns the bytes written
 * @throws RangeError if a field does not fit its bytes, or `into` is too small
 */
export function writeFrame(frame: Frame, into: Buffer): number {
  const content = contentLength(frame);
  if (content < MIN_FRAME) into.fill(0, content, MIN_FRAME);
  encodeEthernet(frame.ethernet, into);
  encodeHeader(frame.header, into);
  switch (frame.kind) {
    case 'ata':
      encodeAta(frame.ata, into);
      into.set(frame.data, ATA_DATA_OFFSET);
      break;
    case 'config':
      encodeConfig(frame.config, into);
      break;
    case 'mask':
      encodeMask(frame.mask, into);
      break;
    case 'reserve':
      encodeReserve(frame.reserve, into);
      break;
    default:
      into.set(frame.body, BODY_OFFSET);
  }
  return Math.max(MIN_FRAME, content);
}

/**
 * Builds a frame, padded with zeros to 60 bytes. What the header says is written as it stands, also where it
 * contradicts `kind` or the lengths: tests of targets need frames that are wrong.
 * @throws RangeError if a field does not fit its bytes
 */
export function buildFrame(frame: Frame): Buffer {
  const bytes = Buffer.allocUnsafe(frameLength(frame));
  writeFrame(frame, bytes);
  return bytes;
}

function contentLength(frame: Frame): number {
  switch (frame.kind) {
    case 'ata':
      return ATA_DATA_OFFSET + frame.data.length;
    case 'config':
      return CONFIG_STRING_OFFSET + frame.config.string.length;
    case 'mask':
      return MASK_LIST_OFFSET + frame.mask.directives.length * MASK_DIRECTIVE;
    case 'reserve':
      return RESERVE_LIST_OFFSET + frame.reserve.macs.length * RESERVE_ENTRY;
    default:
      return BODY_OFFSET + frame.body.length;
  }
}

function tooShort(bytes: Buffer): Fault {
  const field = bytes.length < ETHERNET_HEADER ? 'Ethernet header' : 'AoE header';
  const need = bytes.length < ETHERNET_HEADER ? ETHERNET_HEADER : BODY_OFFSET;
  return fault({ field, reason: `it ends at byte ${need}, the frame at ${bytes.length}` });
}

function fault(body: BodyFault, ethernet?: EthernetHeader, header?: AoeHeader): Fault {
  return { kind: 'fault', field: body.field, reason: body.reason, ethernet, header };
}

function padded(bytes: Buffer, length: number): Buffer {
  const whole = Buffer.alloc(length);
  whole.set(bytes);
  return whole;
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}

import { LBA28_SECTORS } from './constants.js';

/**
 * The 512 bytes that IDENTIFY DEVICE returns (ATA/ATAPI-7, section 6.17): 256 little-endian words.
 *
 *     word 10-19  serial number, 20 characters       word 60-61    sectors for 28-bit commands
 *     word 23-26  firmware revision, 8 characters    word 83, 86   bit 10: LBA48; 13: FLUSH EXT; 12: FLUSH
 *     word 27-46  model number, 40 characters        word 100-103  sectors for 48-bit commands
 *     word 49     bit 9: LBA
 *
 * Characters are stored in pairs with the second one first, and padded with spaces.
 */

export const IDENTIFY_LENGTH = 512;

export interface Identify {
  /** At most 40, 20 and 8 printable ASCII characters; spaces around them do not count. */
  model: string;
  serial: string;
  firmwareRevision: string;
  /** Whether 48-bit commands are supported and enabled. */
  lba48: boolean;
  /** Sectors for 28-bit commands, at most 268,435,455. */
  lba28Sectors: number;
  /** Sectors for 48-bit commands; 0 without LBA48. */
  lba48Sectors: number;
  /** Whether the block claims FLUSH CACHE and FLUSH CACHE EXT; targets are known to have them without a claim. */
  flush: boolean;
  flushExt: boolean;
}

const TWO_32 = 2 ** 32;
const LBA48_BIT = 1 << 10;
const FLUSH_BIT = 1 << 12;
const FLUSH_EXT_BIT = 1 << 13;

/** Sectors of 512 bytes that the device has, by the widest commands it takes. */
export function identifiedSectors(identify: Identify): number {
  return identify.lba48 && identify.lba48Sectors > 0 ? identify.lba48Sectors : identify.lba28Sectors;
}

/** @returns undefined if there are fewer than 512 bytes */
export function decodeIdentify(bytes: Buffer): Identify | undefined {
  if (bytes.length < IDENTIFY_LENGTH) return undefined;
  const supported = bytes.readUInt16LE(2 * 83);
  const valid = supported >> 14 === 0b01;
  // Of the targets in use some fill word 83 alone and some word 86 as well: 83 decides.
  const lba48 = (supported & LBA48_BIT) !== 0;
  return {
    serial: readText(bytes, 10, 20),
    firmwareRevision: readText(bytes, 23, 8),
    model: readText(bytes, 27, 40),
    lba48,
    lba28Sectors: bytes.readUInt32LE(2 * 60),
    lba48Sectors: lba48 ? bytes.readUInt32LE(2 * 100) + bytes.readUInt16LE(2 * 102) * TWO_32 : 0,
    flush: valid && (supported & FLUSH_BIT) !== 0,
    flushExt: valid && (supported & FLUSH_EXT_BIT) !== 0,
  };
}

/**
 * Builds the block of a fixed disk that takes LBA.
 * @throws RangeError if a text is too long or not printable ASCII, or a count does not fit
 */
export function encodeIdentify(identify: Identify): Buffer {
  const bytes = Buffer.alloc(IDENTIFY_LENGTH);
  const set = (word: number, value: number): void => {
    bytes.writeUInt16LE(value, 2 * word);
  };
  if (identify.lba28Sectors > LBA28_SECTORS) {
    throw new RangeError(`lba28Sectors is ${identify.lba28Sectors}, at most ${LBA28_SECTORS} fit`);
  }
  const features =
    (identify.lba48 ? LBA48_BIT : 0) |
    (identify.flush ? FLUSH_BIT : 0) |
    (identify.flushExt ? FLUSH_EXT_BIT : 0);
  set(0, 0x0040); // fixed device
  writeText(bytes, 10, 20, identify.serial);
  writeText(bytes, 23, 8, identify.firmwareRevision);
  writeText(bytes, 27, 40, identify.model);
  set(47, 0x8000);
  set(49, 0x0200); // LBA
  set(50, 0x4000);
  bytes.writeUInt32LE(identify.lba28Sectors, 2 * 60);
  set(80, 0x00f0); // ATA-4 to ATA-7
  set(83, 0x4000 | features);
  set(84, 0x4000);
  set(86, features);
  set(87, 0x4000);
  if (identify.lba48) {
    bytes.writeUInt32LE(identify.lba48Sectors % TWO_32, 2 * 100);
    bytes.writeUInt16LE(Math.floor(identify.lba48Sectors / TWO_32), 2 * 102);
  }
  return bytes;
}

function readText(bytes: Buffer, word: number, length: number): string {
  const swapped = Buffer.from(bytes.subarray(2 * word, 2 * word + length)).swap16();
  // A target that pads with zeros instead of spaces is read as well; unprintable bytes become "?".
  return swapped
    .toString('latin1')
    .replace(/\0/g, ' ')
    .replace(/[^ -~]/g, '?')
    .trim();
}

function writeText(bytes: Buffer, word: number, length: number, text: string): void {
  if (text.length > length || /[^ -~]/.test(text)) {
    throw new RangeError(`"${text}" is not at most ${length} printable ASCII characters`);
  }
  const part = bytes.subarray(2 * word, 2 * word + length);
  part.write(text.padEnd(length), 'latin1');
  part.swap16();
}

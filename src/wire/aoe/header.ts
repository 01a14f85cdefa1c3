import { AOE_VERSION, HeaderFlag } from './constants.js';

/**
 * The AoE header (section 2 of the specification), 10 bytes behind the Ethernet header.
 *
 *     14          15      16        18      19        20      24
 *     +-----------+-------+---------+-------+---------+-------+
 *     | ver|flags | error | major 2 | minor | command | tag 4 |
 *     +-----------+-------+---------+-------+---------+-------+
 */

export const HEADER_OFFSET = 14;
/** Where a command's own section begins. */
export const BODY_OFFSET = 24;

export interface AoeHeader {
  /** 0 to 15; 1 is the only one specified. */
  version: number;
  /** The low nibble: see HeaderFlag. */
  flags: number;
  /** Meaningful with the error flag: see AoeError. */
  error: number;
  /** Shelf; 0xFFFF addresses all. */
  major: number;
  /** Slot; 0xFF addresses all. */
  minor: number;
  command: number;
  /** 32 bits that the target echoes. */
  tag: number;
}

/** @param bytes at least 24 of them */
export function decodeHeader(bytes: Buffer): AoeHeader {
  const first = bytes[14] as number;
  return {
    version: first >> 4,
    flags: first & 0x0f,
    error: bytes[15] as number,
    major: bytes.readUInt16BE(16),
    minor: bytes[18] as number,
    command: bytes[19] as number,
    tag: bytes.readUInt32BE(20),
  };
}

/** @throws RangeError if a field does not fit its bytes */
export function encodeHeader(header: AoeHeader, bytes: Buffer): void {
  bytes.writeUInt8(header.version * 16 + header.flags, 14);
  bytes.writeUInt8(header.error, 15);
  bytes.writeUInt16BE(header.major, 16);
  bytes.writeUInt8(header.minor, 18);
  bytes.writeUInt8(header.command, 19);
  bytes.writeUInt32BE(header.tag, 20);
}

export function isResponse(header: AoeHeader): boolean {
  return (header.flags & HeaderFlag.response) !== 0;
}

/** The header of a request. */
export function requestHeader(major: number, minor: number, command: number, tag: number): AoeHeader {
  return { version: AOE_VERSION, flags: 0, error: 0, major, minor, command, tag };
}

/**
 * The header that answers a request: command and tag repeated, the target's own address, the response flag.
 * @param error an AoeError, or 0 for none
 */
export function responseHeader(request: AoeHeader, major: number, minor: number, error = 0): AoeHeader {
  const flags = error === 0 ? HeaderFlag.response : HeaderFlag.response | HeaderFlag.error;
  return { version: AOE_VERSION, flags, error, major, minor, command: request.command, tag: request.tag };
}

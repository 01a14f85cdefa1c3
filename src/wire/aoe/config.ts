import { MAX_CONFIG_STRING } from './constants.js';
import type { BodyFault } from './fault.js';

/**
 * The query config section (section 4 of the specification), 8 bytes, then the config string.
 *
 *     24             26         28      29         30       32
 *     +--------------+----------+-------+----------+--------+-----------------
 *     | buf count 2  | fw ver 2 | count | ver|ccmd | len 2  | string, <= 1024
 *     +--------------+----------+-------+----------+--------+-----------------
 */

export const CONFIG_STRING_OFFSET = 32;

export interface Config {
  /** Commands the target can hold at once. */
  bufferCount: number;
  firmware: number;
  /** Most sectors the target takes in one frame. */
  sectorCount: number;
  /** AoE version the target speaks, 0 to 15. */
  version: number;
  /** Subcommand, 0 to 15: see ConfigCommand. */
  ccmd: number;
  /** Any bytes. */
  string: Buffer;
}

/** @param bytes at least 32 of them; the string is a view of these */
export function decodeConfig(bytes: Buffer): Config | BodyFault {
  const length = bytes.readUInt16BE(30);
  if (length > MAX_CONFIG_STRING) {
    return { field: 'string length', reason: `${length} is above the ${MAX_CONFIG_STRING} allowed` };
  }
  if (CONFIG_STRING_OFFSET + length > bytes.length) {
    return {
      field: 'string length',
      reason: `${length} bytes are announced, ${bytes.length - CONFIG_STRING_OFFSET} are there`,
    };
  }
  const versionCcmd = bytes[29] as number;
  return {
    bufferCount: bytes.readUInt16BE(24),
    firmware: bytes.readUInt16BE(26),
    sectorCount: bytes[28] as number,
    version: versionCcmd >> 4,
    ccmd: versionCcmd & 0x0f,
    string: bytes.subarray(CONFIG_STRING_OFFSET, CONFIG_STRING_OFFSET + length),
  };
}

/** @throws RangeError if a field does not fit its bytes */
export function encodeConfig(config: Config, bytes: Buffer): void {
  bytes.writeUInt16BE(config.bufferCount, 24);
  bytes.writeUInt16BE(config.firmware, 26);
  bytes.writeUInt8(config.sectorCount, 28);
  bytes.writeUInt8(config.version * 16 + config.ccmd, 29);
  bytes.writeUInt16BE(config.string.length, 30);
  bytes.set(config.string, CONFIG_STRING_OFFSET);
}

import { HeaderFlag, MaskError } from './constants.js';
import { type Mac, readMac, writeMac } from './ethernet.js';
import type { BodyFault } from './fault.js';

/**
 * The MAC mask list section (section 5 of the specification), 4 bytes, then 8 for each directive.
 *
 *     24         25     26       27      28         29     30      36
 *     +----------+------+--------+-------+----------+------+-------+-----
 *     | reserved | mcmd | merror | count | reserved | dcmd | mac 6 | ...
 *     +----------+------+--------+-------+----------+------+-------+-----
 */

export const MASK_LIST_OFFSET = 28;
export const MASK_DIRECTIVE = 8;

export interface MaskDirective {
  /** 0 none, 1 add, 2 delete: see MaskDirectiveCommand. */
  dcmd: number;
  mac: Mac;
}

export interface Mask {
  /** See MaskCommand. */
  mcmd: number;
  /** See MaskError. */
  merror: number;
  directives: MaskDirective[];
}

/**
 * An answer with an error tells in its count how many directives were carried out, and need not bear them: those
 * that are there are taken.
 * @param bytes at least 28 of them
 */
export function decodeMask(bytes: Buffer): Mask | BodyFault {
  let count = bytes[27] as number;
  if (MASK_LIST_OFFSET + count * MASK_DIRECTIVE > bytes.length) {
    const there = Math.floor((bytes.length - MASK_LIST_OFFSET) / MASK_DIRECTIVE);
    const flags = bytes[14] as number;
    const hasError = bytes[26] !== MaskError.none || (flags & HeaderFlag.error) !== 0;
    const isErrorAnswer = hasError && (flags & HeaderFlag.response) !== 0;
    if (!isErrorAnswer) {
      return { field: 'mask count', reason: `${count} directives are announced, ${there} are there` };
    }
    count = there;
  }
  const directives: MaskDirective[] = [];
  for (let index = 0, offset = MASK_LIST_OFFSET; index < count; index++, offset += MASK_DIRECTIVE) {
    directives.push({ dcmd: bytes[offset + 1] as number, mac: readMac(bytes, offset + 2) });
  }
  return { mcmd: bytes[25] as number, merror: bytes[26] as number, directives };
}

/** @throws RangeError if a field does not fit its bytes, or there are more than 255 directives */
export function encodeMask(mask: Mask, bytes: Buffer): void {
  bytes.writeUInt8(0, 24);
  bytes.writeUInt8(mask.mcmd, 25);
  bytes.writeUInt8(mask.merror, 26);
  bytes.writeUInt8(mask.directives.length, 27);
  let offset = MASK_LIST_OFFSET;
  for (const { dcmd, mac } of mask.directives) {
    bytes.writeUInt8(0, offset);
    bytes.writeUInt8(dcmd, offset + 1);
    writeMac(mac, bytes, offset + 2);
    offset += MASK_DIRECTIVE;
  }
}

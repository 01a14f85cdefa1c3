import { ATA_DATA_OFFSET, encodeAta } from '../../wire/aoe/ata.js';
import {
  AtaCommand,
  AtaFlag,
  Command,
  describeAoeError,
  describeAtaStatus,
} from '../../wire/aoe/constants.js';
import { encodeEthernet, type Mac, writeMac } from '../../wire/aoe/ethernet.js';
import { encodeHeader, requestHeader } from '../../wire/aoe/header.js';
import { SECTOR } from '../../wire/aoe/index.js';
import { fillSectors } from './content.js';
import type { AoeLoad } from './load.js';
import type { Messages } from './messages.js';

/** Words of a frame on a little-endian machine: bytes 12-15, 20-23, 24-27, 28-31, and where the data begins. */
export const Word = {
  middle: 1,
  source: 2,
  typeAndVersion: 3,
  tag: 5,
  ata: 6,
  lba: 7,
  data: ATA_DATA_OFFSET / 4,
} as const;

/** EtherType 0x88A2, version 1 with the response flag alone, no error. */
export const FINE = 0x0018a288;
export const RESPONSE = 0x00080000;
const AOE_ERROR = 0x00040000;
/** ERR, DF, or BSY: what is busy has not done it. */
export const ATA_ERROR = 0xa1000000;

/**
 * Fills the frames with all that is the same in each request, the data of writes included.
 * @returns the words that make a frame a read or a write
 */
export function prepareFrames(out: Messages, load: AoeLoad, source: Mac): { read: number; write: number } {
  const first = out.bytes.subarray(0, out.stride * 4);
  encodeEthernet({ destination: load.mac, source }, first);
  encodeHeader(requestHeader(load.shelf, load.slot, Command.ata, 0), first);
  fillSectors(first.subarray(ATA_DATA_OFFSET, ATA_DATA_OFFSET + load.size), 0, load.mark);
  const word = (flags: number, cmdStatus: number): number => {
    encodeAta({ flags, errFeature: 0, count: load.size / SECTOR, cmdStatus, lba: 0 }, first);
    return out.words[Word.ata] as number;
  };
  const read = word(AtaFlag.lba48, AtaCommand.readSectorsExt);
  const write = word(AtaFlag.lba48 | AtaFlag.write, AtaCommand.writeSectorsExt);
  for (let slot = 1; slot < load.depth; slot++) out.bytes.set(first, slot * first.length);
  return { read, write };
}

/** A station's address as the words `middle` (upper half) and `source` of a frame hold it. */
export function sourceWords(mac: Mac): { first: number; rest: number } {
  const bytes = Buffer.alloc(6);
  writeMac(mac, bytes, 0);
  return { first: bytes.readUInt16LE(0), rest: bytes.readUInt32LE(2) };
}

/** An answer that reports an error, in words. @param at where its frame begins */
export function describeErrorAnswer(words: Uint32Array, at: number, lba: number): string {
  const kind = words[at + Word.typeAndVersion] as number;
  if ((kind & AOE_ERROR) !== 0) return `sector ${lba}: AoE error ${describeAoeError(kind >>> 24)}`;
  const ata = words[at + Word.ata] as number;
  return `sector ${lba}: ${describeAtaStatus(ata >>> 24, (ata >>> 8) & 0xff)}`;
}

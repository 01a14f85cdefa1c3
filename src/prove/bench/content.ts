import { SECTOR } from '../../wire/aoe/index.js';

/**
 * What the backing file holds: each sector says its own number, so that every answer can be checked while the load
 * runs, and who wrote it, so that writes can be found in the file afterwards.
 *
 *     sector of 512 bytes:  number 4 (little-endian) · mark 4 · filler 504, the same everywhere
 */
/** The mark of a file as it was made; runs that write have marks of their own. */
export const MADE = 0x616f6531;

/** Bytes that no compression or deduplication below the file would shrink within a sector. */
export const FILLER = makeFiller();

function makeFiller(): Buffer {
  const bytes = Buffer.alloc(SECTOR - 8);
  let state = 0x2545f491;
  for (let at = 0; at < bytes.length; at += 4) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes.writeInt32LE(state, at);
  }
  return bytes;
}

/** Fills `into` with sectors from `first` on. */
export function fillSectors(into: Buffer, first: number, mark: number): void {
  for (let at = 0, sector = first; at < into.length; at += SECTOR, sector++) {
    into.writeUInt32LE(sector, at);
    into.writeUInt32LE(mark, at + 4);
    into.set(FILLER, at + 8);
  }
}

/** Whether `data` is what whole sectors from `first` on hold, whoever wrote them. */
export function isContent(data: Buffer, first: number): boolean {
  if (data.length % SECTOR !== 0) return false;
  for (let at = 0, sector = first; at < data.length; at += SECTOR, sector++) {
    if (data.readUInt32LE(at) !== sector) return false;
    if (FILLER.compare(data, at + 8, at + SECTOR) !== 0) return false;
  }
  return true;
}

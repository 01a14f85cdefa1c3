import { SECTOR } from '../../wire/aoe/index.js';

/** The backing file's known content: every sector another, each telling its number in its first 8 bytes. */
export function content(lba: number, count: number): Buffer {
  const bytes = Buffer.allocUnsafe(count * SECTOR);
  for (let index = 0; index < count; index++) {
    const sector = lba + index;
    const start = index * SECTOR;
    let state = (Math.imul(sector + 1, 2654435761) ^ 0x5bd1e995) >>> 0;
    for (let offset = 0; offset < SECTOR; offset += 4) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      bytes.writeUInt32LE(state, start + offset);
    }
    bytes.writeUInt32BE(0x5ec70000, start);
    bytes.writeUInt32BE(sector >>> 0, start + 4);
  }
  return bytes;
}

/** What a case writes: sectors that are unlike those of `content` and tell apart whose they are. */
export function fresh(mark: number, count: number): Buffer {
  const bytes = Buffer.alloc(count * SECTOR, mark & 0xff);
  for (let index = 0; index < count; index++)
    bytes.writeUInt32BE(0xa0e00000 + mark * 0x100 + index, index * SECTOR);
  return bytes;
}

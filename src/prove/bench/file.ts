import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Host } from '../../hosts/host/host.js';
import { SECTOR } from '../../wire/aoe/index.js';
import { fillSectors, MADE } from './content.js';

/** Large writes leave large folios in the page cache, in which ext4 then takes ten times as long for a small write. */
const CHUNK = 16 << 10;

/** Makes the backing file, every block of it written. @param bytes whole sectors */
export async function makeBenchFile(path: string, bytes: number): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    const chunk = Buffer.alloc(Math.min(CHUNK, bytes));
    fillSectors(chunk, 0, MADE);
    for (let at = 0; at < bytes; at += CHUNK) {
      const part = chunk.subarray(0, Math.min(CHUNK, bytes - at));
      for (let sector = 0; sector < part.length; sector += SECTOR) {
        part.writeUInt32LE((at + sector) / SECTOR, sector);
      }
      await file.write(part, 0, part.length, at);
    }
    await file.sync();
  } finally {
    await file.close();
  }
}

/** How a file's pages leave the cache. */
export const DROP = 'posix_fadvise(POSIX_FADV_DONTNEED) on the whole file by dd, after fdatasync';

/** Drops the file's pages from the cache, as `DROP` says. */
export async function dropFile(host: Host, path: string): Promise<void> {
  await host.run(['dd', `of=${path}`, 'oflag=nocache', 'conv=notrunc,fdatasync', 'count=0', 'status=none']);
}

/** Which of some sectors do not bear a mark in the file. */
export async function sectorsWithout(
  mark: number,
  path: string,
  sectors: readonly number[],
): Promise<number[]> {
  const file = await open(path, constants.O_RDONLY);
  try {
    const sector = Buffer.alloc(SECTOR);
    const wrong: number[] = [];
    for (const number of sectors) {
      await file.read(sector, 0, SECTOR, number * SECTOR);
      if (sector.readUInt32LE(0) !== number || sector.readUInt32LE(4) !== mark) wrong.push(number);
    }
    return wrong;
  } finally {
    await file.close();
  }
}

import { readFile, stat } from 'node:fs/promises';
import { deviceNumber } from '../../base/identity.js';

/**
 * What direct I/O on a file or block device has to be aligned to, in bytes: the logical blocks of the device that it is, or
 * that its file system lies on (Documentation/ABI/stable/sysfs-block). Undefined where that can't be known: a file system
 * over several devices, or over none.
 * @throws an error of the system's if there is nothing at the path
 */
export async function directIoAlignment(path: string): Promise<number | undefined> {
  const facts = await stat(path);
  const device = facts.isBlockDevice() ? facts.rdev : facts.dev;
  const folder = `/sys/dev/block/${deviceNumber(BigInt(device))}`;
  // A partition has the queue of its disk.
  for (const queue of ['queue', '../queue']) {
    const text = await readFile(`${folder}/${queue}/logical_block_size`, 'utf8').catch(() => undefined);
    if (text !== undefined) return Number(text);
  }
  return undefined;
}

import type { BigIntStats } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { deviceNumbers } from './direct-io.js';

/** Where sysfs has the name that a disk bears itself, or that its maker gave it (Documentation/ABI, block and dm). */
const NAMES = ['dm/uuid', 'wwid', 'device/wwid', 'serial', 'device/serial', 'md/uuid'];

/**
 * What a file or block device is, whichever path, loop device or device number leads to it. A file is told by its inode and
 * the moment it was made; a loop device by its file; a disk by the name that it bears, and a partition by its number on it.
 * @throws an error of the system's if there is nothing at the path
 */
export async function identityOf(path: string): Promise<string> {
  const facts = await stat(path, { bigint: true });
  if (!facts.isBlockDevice()) return fileIdentity(facts);
  const [major, minor] = deviceNumbers(Number(facts.rdev));
  return deviceIdentity(`/sys/dev/block/${major}:${minor}`, `${major}:${minor}`);
}

function fileIdentity({ ino, birthtimeNs }: BigIntStats): string {
  return `file ${ino} ${birthtimeNs}`;
}

async function deviceIdentity(folder: string, number: string): Promise<string> {
  const partition = await attribute(`${folder}/partition`);
  if (partition !== undefined)
    return `${await deviceIdentity(`${folder}/..`, number)} partition ${partition}`;
  const file = await attribute(`${folder}/loop/backing_file`);
  if (file !== undefined) {
    const offset = await attribute(`${folder}/loop/offset`);
    const facts = await stat(file, { bigint: true }).catch(() => undefined);
    return `${facts === undefined ? `file ${file}` : fileIdentity(facts)}${offset === '0' ? '' : ` from ${offset}`}`;
  }
  for (const name of NAMES) {
    const value = await attribute(`${folder}/${name}`);
    if (value !== undefined) return `disk ${value}`;
  }
  return `device ${number}`;
}

/** Undefined where there is none, or it is empty. */
async function attribute(file: string): Promise<string | undefined> {
  const text = (await readFile(file, 'utf8').catch(() => '')).trim();
  return text === '' ? undefined : text;
}

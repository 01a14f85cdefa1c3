import { readFile, realpath, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { deviceNumber, TELLING, type Telling } from '../../base/identity.js';

/**
 * What a file or block device is, whichever path, loop device or device number leads to it; as `identityOf` of src/storage
 * has it of hosts.
 * @throws an error of the system's if there is nothing at the path
 */
export async function identityAt(path: string): Promise<Telling> {
  const facts = await stat(path, { bigint: true });
  if (!facts.isBlockDevice()) {
    return {
      kind: 'file',
      inode: String(facts.ino),
      birth: Number(facts.birthtimeNs / 1_000_000_000n) || null,
    };
  }
  const folder = `/sys/dev/block/${deviceNumber(facts.rdev)}`;
  const start = await attribute(`${folder}/start`);
  const isPartition = (await attribute(`${folder}/partition`)) !== undefined;
  const names = [...TELLING, ...(isPartition ? TELLING.map((name) => `../${name}`) : [])];
  const told = await Promise.all(names.map(async (name) => [name, await attribute(`${folder}/${name}`)]));
  const file = await fileBehind(isPartition ? `${folder}/..` : folder);
  return {
    kind: 'device',
    block: basename(await realpath(folder)),
    facts: Object.fromEntries([
      ...told.filter(([, text]) => text !== undefined),
      ...(isPartition ? [['start', start]] : []),
    ]),
    ...(file === undefined ? {} : { file }),
  };
}

async function fileBehind(folder: string): Promise<{ path: string; inode: string | null } | undefined> {
  const path = await attribute(`${folder}/loop/backing_file`);
  if (path === undefined) return undefined;
  // One that was removed ends with " (deleted)"; its name is all there is.
  const facts = await stat(path, { bigint: true }).catch(() => undefined);
  return { path, inode: facts === undefined ? null : String(facts.ino) };
}

/** Undefined where there is none, it is empty, or the device refuses to tell. */
async function attribute(file: string): Promise<string | undefined> {
  const text = (await readFile(file, 'utf8').catch(() => '')).trim();
  return text === '' ? undefined : text;
}

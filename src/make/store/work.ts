/**
 * Work in progress lies in `tmp/` of the store until it is renamed into place. A folder's name carries its owner, so that what a
 * killed process left is found and removed.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder } from '../../base/files/paths.js';
import { ownerOf, ownMark } from '../../base/owner.js';

/** Owners in other PID namespaces can't be looked at: theirs are left alone for this long (milliseconds). */
const FOREIGN_AGE = 24 * 3600_000;

let made = 0;

/** Runs `use` with a new empty folder of the store, which is gone afterwards in any case. */
export async function withWorkFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  await collectGarbage();
  const name = `${await ownMark()}-${made++}${randomBytes(4).toString('hex')}`;
  const folder = join(cacheFolder(), 'tmp', name);
  await mkdir(folder, { recursive: true });
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Removes what processes left that are no longer there. */
export async function collectGarbage(): Promise<void> {
  const parent = join(cacheFolder(), 'tmp');
  for (const name of await readdir(parent).catch(() => [])) {
    const path = join(parent, name);
    if (await isAbandoned(name, path)) await rm(path, { recursive: true, force: true }).catch(() => {});
  }
}

async function isAbandoned(name: string, path: string): Promise<boolean> {
  const owner = await ownerOf(name);
  if (owner === 'alive') return false;
  if (owner === 'gone') return true;
  const facts = await stat(path).catch(() => undefined);
  return facts !== undefined && Date.now() - facts.mtimeMs > FOREIGN_AGE;
}

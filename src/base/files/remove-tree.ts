/**
 * Removal in folders that others may write to: each folder on the way down is opened from the one before, and none through a
 * link, so that one exchanged meanwhile leads nowhere else. The cache, which is the user's alone, is swept without.
 */

import { constants, type Stats } from 'node:fs';
import { type FileHandle, open, readdir, rmdir, unlink } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { LabError } from '../errors.js';
import { ownerOf } from '../owner.js';
import { underName } from '../system-errors.js';
import { O_PATH, step, thisUser } from './open-trusted.js';
import { weaknesses } from './trust.js';

const FOLDER = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/** Tries at a name that is exchanged again and again. */
const TRIES = 100;

/** Whether a folder is to go, judged of the one that was opened and of the one it lies in; silent of those that are not. */
type Judge = (facts: Stats, parent: Stats) => boolean;

/** Removes a file, a link, or a folder with all in it; silent of what is not there. */
export async function removeTree(path: string, isMeant?: Judge): Promise<void> {
  const whole = resolve(path);
  const parent = await open(dirname(whole), O_PATH | constants.O_DIRECTORY).catch(ifThere);
  if (parent === undefined) return;
  try {
    await removeFrom(parent, basename(whole), whole, isMeant);
  } finally {
    await parent.close();
  }
}

async function removeFrom(parent: FileHandle, name: string, path: string, isMeant?: Judge): Promise<void> {
  const at = `/proc/self/fd/${parent.fd}/${name}`;
  for (let tries = 0; tries < TRIES; tries++) {
    if (isMeant === undefined) {
      if (await isGone(unlink(at), path)) return;
      // An empty folder need not be one that may be looked into.
      if (await isGone(rmdir(at), path)) return;
    }
    const folder = await open(at, FOLDER).catch((error: NodeJS.ErrnoException) => {
      // It is no folder any more.
      if (error.code === 'ENOTDIR' || error.code === 'ELOOP') return 'exchanged' as const;
      if (error.code === 'ENOENT') return undefined;
      throw underName(error, path);
    });
    if (folder === undefined) return;
    if (folder === 'exchanged') {
      if (isMeant === undefined) continue;
      return;
    }
    try {
      if (isMeant?.(await folder.stat(), await parent.stat()) === false) return;
      for (const inner of await readdir(`/proc/self/fd/${folder.fd}`)) {
        await removeFrom(folder, inner, join(path, inner));
      }
    } finally {
      await folder.close();
    }
    if (await isGone(rmdir(at), path)) return;
  }
  throw new LabError({ tried: `removing ${path}`, happened: 'others fill it or exchange it all the while' });
}

/** @returns false where it has to be looked at anew: it is a folder, one that is full again, or none any more */
async function isGone(removal: Promise<void>, path: string): Promise<boolean> {
  try {
    await removal;
    return true;
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return true;
    if (['EISDIR', 'ENOTDIR', 'ENOTEMPTY', 'EEXIST'].includes(code)) return false;
    throw underName(error, path);
  }
}

function ifThere(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error;
}

/**
 * Removes folders that killed processes of this user left. Those of other users stay, and those in a folder where somebody else
 * can have given them their names.
 * @param prefix of their names, which a mark (see owner.ts) and a dash follow
 */
export async function removeLeftBehind(parent: string, prefix: string): Promise<void> {
  const user = await thisUser();
  const isMeant: Judge = (facts, above) => {
    const way = [step('/', above), step('/folder', facts)];
    return facts.uid === user.uid && weaknesses(way, user).length === 0;
  };
  for (const name of await readdir(parent)) {
    if (!name.startsWith(prefix) || (await ownerOf(name.slice(prefix.length))) !== 'gone') continue;
    // One that resists hinders nobody.
    await removeTree(join(parent, name), isMeant).catch(() => {});
  }
}

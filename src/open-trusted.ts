/**
 * Opens a file or device by its name, and follows no link that somebody else could have put there: each folder on the way is
 * opened from the one before, so that what was looked at is what is gone through.
 */
import { constants, type Stats } from 'node:fs';
import { type FileHandle, open, readFile, readlink } from 'node:fs/promises';
import { posix } from 'node:path';
import { askAcl } from './acl.js';
import { LabError } from './errors.js';
import { isGroupWritable, isMapped, type Step, type User, weaknesses } from './trust.js';

/** A name for what is there, not the file itself: needs no rights to it (open(2)). Node does not name it. */
export const O_PATH = 0o10000000;
const NAMED = O_PATH | constants.O_NOFOLLOW;
const MOST_LINKS = 40;
/** Links there lead to what a process has open, which may have no name: a pipe of the shell's. */
const DESCRIPTORS = /^\/proc\/\d+\/(?:task\/\d+\/)?fd$/;

/**
 * @throws LabError for a link in a folder that somebody else may write to; the system's errors
 */
export async function openTrusted(path: string, flags: number): Promise<FileHandle> {
  const user = await thisUser();
  let folder = await open('/', NAMED);
  try {
    let [at, links] = ['/', 0];
    const parts = (posix.isAbsolute(path) ? path : `${process.cwd()}/${path}`).split('/');
    for (let part = parts.shift(); part !== undefined; part = parts.shift()) {
      if (part === '' || part === '.') continue;
      const isLast = parts.every((one) => one === '' || one === '.');
      const name = `/proc/self/fd/${folder.fd}/${part}`;
      const next = await open(name, part === '..' ? O_PATH : NAMED);
      const facts = await next.stat();
      if (!facts.isSymbolicLink()) {
        // By its handle: it can't have become another meanwhile.
        if (isLast) return await open(`/proc/self/fd/${next.fd}`, flags).finally(() => next.close());
        await folder.close();
        folder = next;
        at = posix.join(at, part);
        continue;
      }
      await next.close();
      if (isLast && DESCRIPTORS.test(at)) return await open(name, flags);
      requireTrusted([await folderStep(at, folder), step(posix.join(at, part), facts)], user, path);
      links++;
      if (links > MOST_LINKS) throw new LabError({ tried: `opening ${path}`, happened: 'too many links' });
      const to = await readlink(name);
      if (posix.isAbsolute(to)) {
        await folder.close();
        folder = await open('/', NAMED);
        at = '/';
      }
      parts.unshift(...to.split('/'));
    }
    // A folder, which whoever measures it refuses.
    return await open(`/proc/self/fd/${folder.fd}`, flags);
  } finally {
    await folder.close();
  }
}

/**
 * Opens a file that the user named to be written: made for its user alone where it is missing, emptied where it is there.
 * @throws as openTrusted
 */
export async function openOutput(path: string): Promise<{ file: FileHandle; isNew: boolean }> {
  try {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;
    return { file: await open(path, flags, 0o600), isNew: true };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return { file: await openTrusted(path, constants.O_WRONLY | constants.O_TRUNC), isNew: false };
  }
}

/** Facts of what lies at a path, as they are judged. */
export function step(path: string, { mode, uid, gid }: Stats): Step {
  return { path, mode, uid, gid };
}

async function folderStep(path: string, folder: FileHandle): Promise<Step> {
  const facts = await folder.stat();
  if (!isGroupWritable(facts)) return step(path, facts);
  // By its handle, too.
  return { ...step(path, facts), acl: await askAcl(`/proc/self/fd/${folder.fd}`) };
}

function requireTrusted(way: readonly [Step, Step], user: User, path: string): void {
  const [weak] = weaknesses(way, user);
  if (weak === undefined) return;
  throw new LabError({
    tried: `opening ${path}`,
    happened: `${weak.step.path} is a link, and ${weak.who} may write to ${weak.folder}`,
    next: 'name the file itself, or take a folder that nobody else may write to',
  });
}

/** Who this process runs as. */
export async function thisUser(): Promise<User> {
  const map = await readFile('/proc/self/uid_map', 'utf8').catch(() => '');
  return {
    uid: process.geteuid?.() ?? -1,
    gid: process.getegid?.() ?? -1,
    isMapped: isMapped(map.split('\n')),
  };
}

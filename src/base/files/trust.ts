/**
 * Who may change what a path leads to, by the rule of OpenSSH's StrictModes: each folder on the way is root's or the
 * user's own, and nobody else may write to it. No I/O.
 */
import { posix } from 'node:path';
import type { Acl } from './acl.js';

/** One name on the way through a path; links are told as themselves, and what they lead to follows. */
export interface Step {
  path: string;
  /** As in `stat.st_mode`. */
  mode: number;
  uid: number;
  gid: number;
  /** Whether it has an access list; undefined where that can't be asked, or its mode lets no group write. */
  acl?: Acl | undefined;
}

/** Those who are trusted beside root. */
export interface User {
  uid: number;
  gid: number;
  /** In a user namespace that knows few users: all others, root outside too, are told as `OVERFLOW`. */
  isMapped: boolean;
}

/** A name that somebody else may give to another file. */
export interface Weakness {
  step: Step;
  /** The folder that it lies in. */
  folder: string;
  /** Such as `user 1000`. */
  who: string;
}

const TYPE = 0o170000;
const LINK = 0o120000;
const FOLDER = 0o040000;
const STICKY = 0o1000;
const OVERFLOW = 65534;

export function isLink({ mode }: Step): boolean {
  return (mode & TYPE) === LINK;
}

/** @param map lines of /proc/PID/uid_map (user_namespaces(7)), of which the first namespace has all users in one */
export function isMapped(map: readonly string[]): boolean {
  return map.some((line) => /\d/.test(line)) && !map.some((line) => /^\s*0\s+0\s+4294967295\s*$/.test(line));
}

export function isTrusted(uid: number, user: User): boolean {
  return uid === 0 || uid === user.uid || (user.isMapped && uid === OVERFLOW);
}

/** Whether its mode lets a group write, or whoever its access list names; that of a link says nothing. */
export function isGroupWritable({ mode }: Pick<Step, 'mode'>): boolean {
  return (mode & TYPE) !== LINK && (mode & 0o020) !== 0;
}

/** Who else may write to it; undefined: nobody. */
export function writerOf({ mode, uid, gid, acl }: Step, user: User): string | undefined {
  if (!isTrusted(uid, user)) return `user ${uid}`;
  if ((mode & TYPE) === LINK) return undefined;
  if ((mode & 0o002) !== 0) return 'everybody';
  if (!isGroupWritable({ mode })) return undefined;
  // A group of the user's own, as most systems make one for each user, has no other members.
  const isOwn = gid === 0 || (gid === user.gid && gid === user.uid) || (user.isMapped && gid === OVERFLOW);
  if (!isOwn) return `group ${gid}`;
  // Then the bits are what the list grants at most, and may be of anybody's.
  if (acl === 'none') return undefined;
  return acl === 'some'
    ? 'somebody on its access list'
    : 'its group, or somebody on an access list that can not be asked for there,';
}

/** Whether root comes through a way by its modes alone: enters each folder, and reads and writes what is at its end. */
export function isOpenToRoot(way: readonly Step[]): boolean {
  return way.every(({ mode, uid, gid }) => {
    const type = mode & TYPE;
    if (type === LINK) return true;
    const shift = uid === 0 ? 6 : gid === 0 ? 3 : 0;
    const wanted = type === FOLDER ? 1 : 6;
    return ((mode >> shift) & wanted) === wanted;
  });
}

/** @param way from `/` on; what is not there yet is left out */
export function weaknesses(way: readonly Step[], user: User): Weakness[] {
  const folders = new Map(way.map((step) => [step.path, step]));
  return way.flatMap((step) => {
    const folder = folders.get(posix.dirname(step.path));
    if (folder === undefined || folder === step) return [];
    const who = writerOf(folder, user);
    if (who === undefined) return [];
    // There names belong to their owners, and to the folder's.
    const isKept = (folder.mode & STICKY) !== 0 && isTrusted(folder.uid, user) && isTrusted(step.uid, user);
    return isKept ? [] : [{ step, folder: folder.path, who }];
  });
}

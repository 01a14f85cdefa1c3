/**
 * Opens a file or device by its name, and follows no link that somebody else could have put there: each folder on the way is
 * opened from the one before, so that what was looked at is what is gone through.
 */
import { constants, type Stats } from 'node:fs';
import { type FileHandle, open, readFile, readlink } from 'node:fs/promises';
import { posix } from 'node:path';
import { LabError } from '../errors.js';
import { underName } from '../system-errors.js';
import { askAcl } from './acl.js';
import {
  isGroupWritable,
  isMapped,
  type Step,
  type User,
  type Weakness,
  weaknesses,
  writerOf,
} from './trust.js';

/** A name for what is there, not the file itself: needs no rights to it (open(2)). Node does not name it. */
export const O_PATH = 0o10000000;
const NAMED = O_PATH | constants.O_NOFOLLOW;
const MOST_LINKS = 40;
/** Links there lead to what a process has open, which may have no name: a pipe of the shell's. */
const DESCRIPTORS = /^\/proc\/\d+\/(?:task\/\d+\/)?fd$/;

/** What a name leads to: a handle that names it and no more (`O_PATH`). */
export interface Found {
  file: FileHandle;
  /** Somebody who may put another in its place; undefined of what was not looked at for that. */
  weak: Weakness | undefined;
  /** It was open already, in this process or another. */
  isHanded: boolean;
  /** Whoever else may give names in the folder it lies in, and that; likewise. */
  namer: { who: string; folder: string } | undefined;
}

/**
 * @throws LabError for a link in a folder that somebody else may write to; the system's errors
 */
export async function openTrusted(path: string, flags: number): Promise<FileHandle> {
  const { file } = await findTrusted(path);
  try {
    // By its handle: it can't have become another meanwhile.
    return await open(`/proc/self/fd/${file.fd}`, flags);
  } catch (error) {
    throw underName(error, path);
  } finally {
    await file.close();
  }
}

/**
 * @param everyStep whether folders and files are judged as links are, and told as `weak`
 * @throws as openTrusted
 */
export async function findTrusted(path: string, everyStep = false): Promise<Found> {
  const user = await thisUser();
  const way = await Way.begin();
  let [links, weak, namer]: [number, Found['weak'], Found['namer']] = [0, undefined, undefined];
  try {
    const parts = (posix.isAbsolute(path) ? path : `${process.cwd()}/${path}`).split('/');
    for (let part = parts.shift(); part !== undefined; part = parts.shift()) {
      if (part === '' || part === '.') continue;
      const isLast = parts.every((one) => one === '' || one === '.');
      const name = way.inside(part);
      const next = await open(name, part === '..' ? O_PATH : NAMED);
      const facts = await next.stat();
      const isLink = facts.isSymbolicLink();
      if (isLink) await next.close();
      if (isLink && isLast && DESCRIPTORS.test(way.at)) {
        const file = await open(name, O_PATH);
        await way.folder.close();
        return { file, isHanded: true, weak: undefined, namer: undefined };
      }
      if (isLink || everyStep) {
        const folder = await stepOf(way.at, way.folder);
        const found = weaknesses([folder, step(posix.join(way.at, part), facts)], user);
        if (isLink) requireTrusted(found, path);
        weak ??= found[0];
        const who = writerOf(folder, user);
        namer = who === undefined ? undefined : { who, folder: way.at };
      }
      if (!isLink) {
        await way.enter(next, part);
        continue;
      }
      links++;
      if (links > MOST_LINKS) throw new LabError({ tried: `opening ${path}`, happened: 'too many links' });
      const to = await readlink(name);
      if (posix.isAbsolute(to)) await way.restart();
      parts.unshift(...to.split('/'));
    }
    return { file: way.folder, isHanded: false, weak, namer };
  } catch (error) {
    await way.folder.close();
    throw underName(error, path);
  }
}

/** Where one has come on the way down from the root. */
class Way {
  folder: FileHandle;
  at = '/';

  private constructor(root: FileHandle) {
    this.folder = root;
  }

  static async begin(): Promise<Way> {
    return new Way(await open('/', NAMED));
  }

  inside(part: string): string {
    return `/proc/self/fd/${this.folder.fd}/${part}`;
  }

  async enter(folder: FileHandle, part: string): Promise<void> {
    await this.folder.close();
    this.folder = folder;
    this.at = posix.join(this.at, part);
  }

  async restart(): Promise<void> {
    const root = await open('/', NAMED);
    await this.folder.close();
    this.folder = root;
    this.at = '/';
  }
}

/**
 * Does something with a name in its folder, which is opened first: it can't have become another meanwhile.
 * @param work is told another name of the same, and of others in that folder
 * @throws as openTrusted; the system's errors by the name that a person knows
 */
export async function inItsFolder<T>(
  path: string,
  work: (at: (name: string) => string) => Promise<T>,
): Promise<T> {
  const folder = await openTrusted(posix.dirname(path), O_PATH | constants.O_DIRECTORY);
  try {
    return await work((name) => `/proc/self/fd/${folder.fd}/${name}`);
  } catch (error) {
    throw underName(error, path);
  } finally {
    await folder.close();
  }
}

/** Facts of what lies at a path, as they are judged. */
export function step(path: string, { mode, uid, gid }: Stats): Step {
  return { path, mode, uid, gid };
}

/** What is open under a path, with its access list where that matters. */
export async function stepOf(path: string, file: FileHandle): Promise<Step> {
  const facts = await file.stat();
  if (!isGroupWritable(facts)) return step(path, facts);
  // By its handle, too.
  return { ...step(path, facts), acl: await askAcl(`/proc/self/fd/${file.fd}`) };
}

function requireTrusted([weak]: readonly Weakness[], path: string): void {
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

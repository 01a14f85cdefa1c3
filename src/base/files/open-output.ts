/**
 * The one opener of files that a command writes by a name the user gave: through no link that somebody else could have put
 * there, into no file that somebody else has laid out, and none is waited for without end. All by handles.
 */

import { constants, type Stats } from 'node:fs';
import { type FileHandle, open, readlink, unlink } from 'node:fs/promises';
import { posix } from 'node:path';
import { LabError } from '../errors.js';
import { deviceNumber } from '../identity.js';
import { pollUntil } from '../poll.js';
import { underName } from '../system-errors.js';
import { type Found, findTrusted, inItsFolder, O_PATH, thisUser } from './open-trusted.js';
import { isTrusted, type User } from './trust.js';

/** What was there before. */
export interface Existing {
  /** As the kernel knows it: absolute, through no link. */
  path: string;
  /** As `FileId` has it. */
  id: { dev: string; inode: string };
}

export interface OutputOptions {
  /** new: refused with EEXIST where something is there · there: with ENOENT where nothing is. Default: either. */
  only?: 'new' | 'there';
  /** Read from as well. */
  isRead?: boolean;
  /** Of a file that is made, less the umask. Default: 0600. */
  mode?: number;
  /** Called of a file or block device that is there, before it is opened for writing; throws what is against that. */
  judge?: ((there: Existing) => Promise<void>) | undefined;
  /** Milliseconds to wait for one who reads, where it is a pipe. */
  patience?: number;
}

/** As long as readers of texts wait for one who writes. */
const PATIENCE = 5000;
/** Milliseconds between two looks for a reader. */
const PAUSE = 20;

/** An open output. What was there keeps its content until `empty`. */
export class Output {
  readonly file: FileHandle;
  readonly isNew: boolean;
  readonly #discard: () => Promise<void>;

  constructor(file: FileHandle, discard?: () => Promise<void>) {
    this.file = file;
    this.isNew = discard !== undefined;
    this.#discard = discard ?? (async () => {});
  }

  /** A device or pipe stays as it is. */
  async empty(): Promise<void> {
    if ((await this.file.stat()).isFile()) await this.file.truncate(0);
  }

  /** Takes away what was made, and leaves what was there. */
  async discard(): Promise<void> {
    await this.#discard();
  }
}

/**
 * @throws LabError for a link in a folder that somebody else may write to, a file there that is another's, a pipe that nobody
 *   reads; what `judge` throws; the system's errors
 */
export async function openOutput(path: string, options: OutputOptions = {}): Promise<Output> {
  const { only } = options;
  const made = only === 'there' ? undefined : await make(path, options);
  if (made !== undefined) return made;
  const found = await findTrusted(path, true);
  const named = found.file;
  try {
    const facts = await named.stat();
    const objection = objectionTo(facts, found, await thisUser());
    if (objection !== undefined) {
      throw new LabError({
        tried: `opening ${path} for writing`,
        happened: objection,
        next: 'remove it, or name a file in a folder that nobody else may write to',
      });
    }
    const handle = `/proc/self/fd/${named.fd}`;
    // What a shell has opened for us it has open itself, and has emptied.
    const isJudged = (facts.isFile() || facts.isBlockDevice()) && !found.isHanded;
    if (isJudged) await options.judge?.(await existing(named));
    const flags = options.isRead && !facts.isFIFO() ? constants.O_RDWR : constants.O_WRONLY;
    if (facts.isFIFO()) return new Output(await openPipe(handle, path, options.patience ?? PATIENCE));
    return new Output(await open(handle, flags | constants.O_NOCTTY));
  } catch (error) {
    throw underName(error, path);
  } finally {
    await named.close();
  }
}

/**
 * One that is there, as it will be written later.
 * @returns undefined where it is still to be made, in a folder that is there
 * @throws as openOutput
 */
export async function openOutputIfThere(path: string, options: OutputOptions): Promise<Output | undefined> {
  try {
    return await openOutput(path, { ...options, only: 'there' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return inItsFolder(path, async () => undefined);
  }
}

/** @returns undefined where something is there already */
async function make(
  path: string,
  { only, isRead, mode = 0o600 }: OutputOptions,
): Promise<Output | undefined> {
  const base = posix.basename(path);
  // Names that end so are of folders, which whoever opens them for writing is refused.
  if (path.endsWith('/') || ['', '.', '..'].includes(base)) return undefined;
  const access = isRead ? constants.O_RDWR : constants.O_WRONLY;
  try {
    return await inItsFolder(path, async (at) => {
      const file = await open(at(base), access | constants.O_CREAT | constants.O_EXCL, mode);
      const own = await file.stat();
      return new Output(file, () => discard(path, own));
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST' && only !== 'new') return undefined;
    throw error;
  }
}

/**
 * What a program that is told its name will write to.
 * @throws as openTrusted
 */
export async function existingAt(path: string): Promise<Existing> {
  const { file } = await findTrusted(path);
  return existing(file).finally(() => file.close());
}

async function existing(named: FileHandle): Promise<Existing> {
  const { dev, ino } = await named.stat({ bigint: true });
  const path = await readlink(`/proc/self/fd/${named.fd}`);
  return { path, id: { dev: deviceNumber(dev), inode: String(ino) } };
}

/** One that has got the name meanwhile stays. */
function discard(path: string, own: Stats): Promise<void> {
  return inItsFolder(path, async (at) => {
    const name = at(posix.basename(path));
    const there = await lookAt(name);
    if (there !== undefined && own.dev === there.dev && own.ino === there.ino) await unlink(name);
  });
}

async function lookAt(name: string): Promise<Stats | undefined> {
  try {
    const found = await open(name, O_PATH | constants.O_NOFOLLOW);
    return await found.stat().finally(() => found.close());
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Whoever laid a file out may have kept it open; whoever may give names there may have given that of another file. */
function objectionTo(facts: Stats, { weak, namer }: Found, user: User): string | undefined {
  if (weak !== undefined && !isTrusted(facts.uid, user)) {
    return `it is user ${facts.uid}'s, and ${weak.who} may write to ${weak.folder}`;
  }
  if (namer !== undefined && facts.isFile() && facts.nlink > 1) {
    return `it has ${facts.nlink} names, and ${namer.who} may write to ${namer.folder}`;
  }
  return undefined;
}

/** Without O_NONBLOCK a pipe that nobody reads is waited for within open(2); with it a full one refuses what is written. */
async function openPipe(handle: string, path: string, patience: number): Promise<FileHandle> {
  const tryOpen = (): Promise<FileHandle | undefined> =>
    open(handle, constants.O_WRONLY | constants.O_NONBLOCK).catch((error) => {
      if (error.code !== 'ENXIO') throw error;
      return undefined;
    });
  const probe = await pollUntil(tryOpen, { every: PAUSE, patience });
  if (probe === undefined) {
    throw new LabError({ tried: `writing to ${path}`, happened: 'it is a pipe that nobody reads' });
  }
  // A reader of our own, for this moment: the one there is may leave.
  const reader = await open(handle, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    return await open(handle, constants.O_WRONLY);
  } finally {
    await reader.close();
    await probe.close();
  }
}

/**
 * Whole files that somebody else may have put there: opened once, judged by what was opened, and never more than a bound is read,
 * nor waited for ever for one who writes into a pipe.
 */
import { constants, type Stats } from 'node:fs';
import { type FileHandle, open, readlink } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { LabError } from '../errors.js';
import { underName } from '../system-errors.js';
import { formatSize } from '../units.js';
import { findTrusted, stepOf, thisUser } from './open-trusted.js';
import { writerOf } from './trust.js';

export interface BoundedOptions {
  /** Bytes. */
  most: number;
  /** Flags of open(2) beside those for reading. */
  flags?: number;
  /**
   * It decides what is run or believed: no link is followed that somebody else could have put there, and root reads nothing that
   * somebody else may change or exchange.
   */
  own?: boolean;
  /** Why what was opened is not to be read; undefined: nothing is against it. */
  judge?: (facts: Stats) => string | undefined;
  /**
   * Milliseconds to wait for one who writes, and for each piece that he writes, where it is a pipe; one that a shell made, as for
   * <(command), is waited for as long as it takes. Without them a pipe is refused.
   */
  pipe?: number;
}

/** Milliseconds between two looks into a pipe. */
const PAUSE = 20;
const CHUNK = 1 << 16;

/** What is there is not what may be read; `reason` alone says why. */
export class UnfitFileError extends LabError {
  readonly reason: string;

  constructor(path: string, reason: string) {
    super({ tried: `reading ${path}`, happened: reason });
    this.reason = reason;
  }
}

/** @throws UnfitFileError; the system's errors */
export async function readBounded(path: string, options: BoundedOptions): Promise<Buffer> {
  // Without O_NONBLOCK a pipe that nobody writes to is waited for within open(2), and nothing can end that.
  const flags = constants.O_RDONLY | constants.O_NONBLOCK | (options.flags ?? 0);
  const { file, changed } = options.own ? await openOwn(path, flags) : { file: await open(path, flags) };
  try {
    const facts = await file.stat();
    const { most, pipe = 0, judge } = options;
    const objection =
      judge?.(facts) ?? changed ?? (facts.isFIFO() && pipe === 0 ? 'it is a pipe' : undefined);
    if (objection !== undefined) throw new UnfitFileError(path, objection);
    // Files of the kernel's tell no size.
    if (facts.isFile() && facts.size > most) throw tooLong(path, most);
    const [data, isWhole] = await readUpTo(file, path, most, facts.size, facts.isFIFO() ? pipe : undefined);
    if (!isWhole) throw tooLong(path, most);
    return data;
  } catch (error) {
    // What fails after it was opened names no file.
    if (error instanceof Error && 'code' in error && !('path' in error)) Object.assign(error, { path });
    throw error;
  } finally {
    await file.close();
  }
}

/** @returns what says that somebody else may change it, if this is root */
async function openOwn(path: string, flags: number): Promise<{ file: FileHandle; changed?: string }> {
  const user = await thisUser();
  const { file, weak } = await findTrusted(path, user.uid === 0);
  try {
    const itself = await stepOf(path, file);
    // What holds no text, such as /dev/null, may be everybody's.
    const isFile = (await file.stat()).isFile();
    const who = isFile && user.uid === 0 ? (weak?.who ?? writerOf(itself, user)) : undefined;
    const opened = await open(`/proc/self/fd/${file.fd}`, flags);
    if (who === undefined) return { file: opened };
    const what = weak === undefined ? 'change it' : `exchange it: ${weak.folder} is not root's alone`;
    return { file: opened, changed: `${who} may ${what}` };
  } catch (error) {
    throw underName(error, path);
  } finally {
    await file.close();
  }
}

function tooLong(path: string, most: number): UnfitFileError {
  return new UnfitFileError(path, `it is longer than ${formatSize(most)}`);
}

/** @returns what there is, and whether that is all */
async function readUpTo(
  file: FileHandle,
  path: string,
  most: number,
  size: number,
  patience: number | undefined,
): Promise<[Buffer, boolean]> {
  const chunks: Buffer[] = [];
  let [length, next] = [0, size > 0 ? Math.min(size, most) + 1 : CHUNK];
  const isPipe = patience !== undefined;
  // One that a shell made has had its writer, who may take his time.
  const isNamed = isPipe && !(await readlink(`/proc/self/fd/${file.fd}`)).startsWith('pipe:');
  let hasWriter = !isNamed;
  let deadline = performance.now() + (patience ?? 0);
  for (;;) {
    const buffer = Buffer.allocUnsafe(next);
    const got = await file.read(buffer, 0, next, null).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'EAGAIN') return undefined;
      throw error;
    });
    if (got === undefined && !isPipe) throw new UnfitFileError(path, 'it has nothing to be read');
    if (got?.bytesRead === 0 && hasWriter) return [Buffer.concat(chunks), true];
    hasWriter ||= got === undefined;
    if (got === undefined || got.bytesRead === 0) {
      if (isNamed && performance.now() > deadline) {
        const reason = hasWriter
          ? 'it is a pipe whose writer writes nothing'
          : 'it is a pipe that nobody writes to';
        throw new UnfitFileError(path, reason);
      }
      await sleep(PAUSE);
      continue;
    }
    hasWriter = true;
    deadline = performance.now() + (patience ?? 0);
    chunks.push(buffer.subarray(0, got.bytesRead));
    length += got.bytesRead;
    if (length > most) return [Buffer.concat(chunks), false];
    next = CHUNK;
  }
}

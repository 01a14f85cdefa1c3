import { constants } from 'node:fs';
import { type FileHandle, open, readlink } from 'node:fs/promises';
import { LabError, UsageError } from '../../base/errors.js';
import { pollUntil } from '../../base/poll.js';
import { SECTOR } from '../aoe/index.js';

const CHUNK = 1 << 20;
/** Milliseconds to wait for one who writes to a pipe. */
const PATIENCE = 5000;
/** Milliseconds between two looks. */
const PAUSE = 20;

/** What is to be written to a device. */
export interface Input {
  data: AsyncIterable<Uint8Array>;
  /** Bytes, where that is known beforehand. */
  size: number | undefined;
  /** Milliseconds since 1970, of a file. */
  modified: number | undefined;
  /** Of what need not be read to its end. */
  close?: () => Promise<void>;
}

/**
 * Opens what is to be written.
 * @param path a file; undefined stands for standard input
 * @param patience milliseconds to wait for one who writes, where it is a pipe
 * @throws UsageError if there is no such file, its size is no multiple of 512, or standard input is a terminal
 */
export async function openInput(path: string | undefined, patience = PATIENCE): Promise<Input> {
  const tried = path === undefined ? 'reading standard input' : `reading ${path}`;
  if (path === undefined) {
    if (!process.stdin.isTTY) return { data: process.stdin, size: undefined, modified: undefined };
    const next = 'name a file by --input, or pipe the data in';
    throw new UsageError({ tried, happened: 'that is a terminal, and the data are bytes', next });
  }
  const file = await openFound(path, patience).catch((cause: Error) => {
    const next = 'name the file that holds the data';
    throw cause instanceof LabError ? cause : new UsageError({ tried, happened: cause.message, next, cause });
  });
  const facts = await file.handle.stat();
  const isFile = facts.isFile();
  if (facts.isDirectory() || (isFile && facts.size % SECTOR !== 0)) {
    await file.handle.close();
    throw new UsageError({
      tried,
      ...(isFile
        ? {
            happened: `its ${facts.size} bytes are no whole number of sectors`,
            next: `pad it to a multiple of ${SECTOR}: truncate -s %${SECTOR} FILE`,
          }
        : { happened: 'it is a folder', next: 'name the file that holds the data' }),
    });
  }
  const size = isFile ? facts.size : undefined;
  const close = (): Promise<void> => file.handle.close();
  return { data: dataOf(file), size, modified: Math.floor(facts.mtimeMs), close };
}

interface Found {
  handle: FileHandle;
  /** What was read already. */
  head: Buffer;
}

async function* dataOf({ handle, head }: Found): AsyncGenerator<Uint8Array> {
  if (head.length > 0) yield head;
  // Ends what it reads.
  yield* handle.createReadStream({ highWaterMark: CHUNK });
}

/** Without O_NONBLOCK a pipe that nobody writes to is waited for within open(2); with it one that is written to slowly has an end. */
async function openFound(path: string, patience: number): Promise<Found> {
  const look = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const again = `/proc/self/fd/${look.fd}`;
    const isPipe = (await look.stat()).isFIFO();
    const head = isPipe ? await firstOf(look, path, patience) : Buffer.alloc(0);
    // A writer of our own, for this moment: the one there was may have left.
    const writer = isPipe ? await open(again, constants.O_WRONLY | constants.O_NONBLOCK) : undefined;
    try {
      return { handle: await open(again, constants.O_RDONLY), head };
    } finally {
      await writer?.close();
    }
  } finally {
    await look.close();
  }
}

/** What a pipe has first; nothing of one that has a writer, or had one as those that a shell makes. */
async function firstOf(pipe: FileHandle, path: string, patience: number): Promise<Buffer> {
  const isNamed = !(await readlink(`/proc/self/fd/${pipe.fd}`)).startsWith('pipe:');
  const look = async (): Promise<Buffer | undefined> => {
    const buffer = Buffer.alloc(CHUNK);
    const got = await pipe.read(buffer, 0, CHUNK, null).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EAGAIN') throw error;
      return undefined;
    });
    if (got === undefined || got.bytesRead > 0 || !isNamed) return buffer.subarray(0, got?.bytesRead ?? 0);
    return undefined;
  };
  const first = await pollUntil(look, { every: PAUSE, patience });
  if (first !== undefined) return first;
  const happened = 'it is a pipe that nobody writes to';
  throw new UsageError({ tried: `reading ${path}`, happened, next: 'name the file that holds the data' });
}

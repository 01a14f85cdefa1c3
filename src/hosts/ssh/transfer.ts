/** Files and folders to a host over SSH and back: into a temporary place, compared by digest, then into the right one. */
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, rename, stat } from 'node:fs/promises';
import { basename, dirname, join, posix } from 'node:path';
import { addAbortSignal, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { LabError } from '../../base/errors.js';
import { removeTree } from '../../base/files/remove-tree.js';
import { type FileFacts, type TransferOptions, temporaryName } from '../host/host.js';
import { fed, Passage, through } from './passage.js';
import { FAREWELL, type RawOptions, type RawResult } from './run.js';
import * as scripts from './scripts.js';
import { NO_SUCH_FILE, PIECE, type Sftp, SftpRefusal } from './sftp.js';

/** Files of any size go by `put` and `get`; that long a transfer may take. */
export const TRANSFER = 15 * 60_000;

/** Runs one of `scripts` on the host. */
export type RunScript = (script: string, args: readonly string[], options?: RawOptions) => Promise<RawResult>;

/**
 * How bytes travel. A file goes by SFTP where the host offers it: a large one takes about as long as by `cat`, a small one
 * less. A folder goes as one tar stream by the shell: where an answer takes 20 ms, 2000 small files one by one took longer
 * in every run. Where commands have root's rights by sudo, all goes by the shell: SFTP has those of the user who logs in,
 * so that root would have to copy each file once more, and it would take twice the space.
 */
export interface Wire {
  run: RunScript;
  /** @returns undefined where there is none to be used */
  sftp(): Promise<Sftp | undefined>;
}

/** Copies a local file or folder to a host. */
export async function putPath(
  wire: Wire,
  local: string,
  remote: string,
  { onProgress, signal }: TransferOptions,
): Promise<void> {
  const { run } = wire;
  const temporary = temporaryBeside(remote);
  const facts = await stat(local);
  const [mode, size] = [(facts.mode & 0o777).toString(8), String(facts.size)];
  const limit = { timeout: TRANSFER, signal };
  try {
    if (facts.isDirectory()) {
      const { create } = await import('tar');
      const packed = fed(Readable.from(create({ cwd: local }, ['.'])), new Passage(0, onProgress));
      await run(scripts.PUT_FOLDER, [temporary], { ...limit, input: packed });
      await run(scripts.PLACE, [temporary, remote], limit);
    } else {
      const open = (): Passage =>
        fed(createReadStream(local, { highWaterMark: PIECE }), new Passage(facts.size, onProgress));
      const passage =
        (await putBySftp(wire, temporary, open, signal)) ?? (await putByShell(run, temporary, open, limit));
      // A step of its own: it is only asked for once all has arrived.
      await run(scripts.PLACE, [temporary, remote, passage.digest(), mode, size], limit);
    }
  } catch (error) {
    await run(scripts.REMOVE, [temporary]).catch(() => {});
    signal?.throwIfAborted();
    throw error;
  }
}

async function putByShell(
  run: RunScript,
  path: string,
  open: () => Passage,
  limit: RawOptions,
): Promise<Passage> {
  const input = open();
  await run(scripts.PUT_FILE, [path], { ...limit, input }).finally(() => input.destroy());
  return input;
}

/** @returns undefined if it has to go by the shell: there is no SFTP, or it refuses what the shell may do */
async function putBySftp(
  wire: Wire,
  path: string,
  open: () => Passage,
  signal: AbortSignal | undefined,
): Promise<Passage | undefined> {
  const { run } = wire;
  const sftp = await wire.sftp();
  if (!sftp?.isUsable) return undefined;
  const write = async (): Promise<Passage> => {
    const input = open();
    if (signal !== undefined) addAbortSignal(signal, input);
    await bounded(sftp.write(path, input), path, signal).finally(() => input.destroy());
    return input;
  };
  try {
    return await write().catch(async (error) => {
      if (!(error instanceof SftpRefusal) || error.status !== NO_SUCH_FILE) throw error;
      await run(scripts.MAKE_FOLDER, [path]);
      return write();
    });
  } catch (error) {
    if (!(error instanceof SftpRefusal)) throw error;
    // "Failure", says SFTP of a full disk. The shell says more, or else does it.
    await run(scripts.TRY_WRITE, [path]);
    await run(scripts.REMOVE, [path]);
    sftp.retire();
    return undefined;
  }
}

/** Waits for what has no end of its own: up to the time limit of all transfers, or until it is called off. */
async function bounded<T>(work: Promise<T>, path: string, signal = new AbortController().signal): Promise<T> {
  work.catch(() => {});
  const over = new AbortController();
  const late = sleep(TRANSFER, undefined, { signal: over.signal }).then(() => {
    throw new LabError({
      tried: `copying ${path}`,
      happened: `it ran into its time limit of ${TRANSFER / 60_000} min`,
    });
  });
  const calledOff = once(signal, 'abort', { signal: over.signal }).then(() => signal.throwIfAborted());
  calledOff.catch(() => {});
  late.catch(() => {});
  try {
    signal.throwIfAborted();
    return (await Promise.race([work, late, calledOff])) as T;
  } finally {
    over.abort();
    // What is under way yet might make anew what is about to be removed.
    await Promise.race([work.catch(() => {}), sleep(FAREWELL, undefined, { ref: false })]);
  }
}

/** Copies a file or folder of a host here. */
export async function getPath(
  wire: Wire,
  remote: string,
  local: string,
  { kind, size }: FileFacts,
  { onProgress, signal }: TransferOptions,
): Promise<void> {
  const { run } = wire;
  await mkdir(dirname(local), { recursive: true });
  const temporary = join(dirname(local), temporaryName(basename(local)));
  const limit = { timeout: TRANSFER, signal };
  try {
    if (kind === 'directory') {
      await mkdir(temporary);
      const passage = new Passage(0, onProgress);
      await run(scripts.GET_FOLDER, [remote], {
        ...limit,
        onOutput: (output) => unpack(through(output, passage), temporary),
      });
    } else {
      const take = async (output: Readable): Promise<Passage> => {
        const passage = new Passage(size, onProgress);
        await pipeline(output, passage, createWriteStream(temporary), { signal });
        return passage;
      };
      const passage =
        (kind === 'file' ? await getBySftp(wire, remote, size, take, signal) : undefined) ??
        (await getByShell(run, remote, take, limit));
      const file = await open(temporary);
      await file.sync().finally(() => file.close());
      const { stdout } = await run(scripts.DIGEST, [remote], limit);
      const theirs = stdout.toString().trim();
      if (theirs !== '' && theirs !== passage.digest()) {
        throw new LabError({
          tried: `copying ${remote}`,
          happened: 'what arrived is not what is there: it was written to meanwhile',
          next: 'copy it again when nobody writes to it',
        });
      }
    }
    await rename(temporary, local);
  } catch (error) {
    await removeTree(temporary);
    signal?.throwIfAborted();
    throw error;
  }
}

type Take = (output: Readable) => Promise<Passage>;

async function getByShell(run: RunScript, path: string, take: Take, limit: RawOptions): Promise<Passage> {
  let passage: Passage | undefined;
  const onOutput = async (output: Readable): Promise<void> => {
    passage = await take(output);
  };
  await run(scripts.READ, [path], { ...limit, onOutput });
  return passage as unknown as Passage;
}

/** @returns undefined if it has to be asked of the shell, which does it or says why not */
async function getBySftp(
  wire: Wire,
  path: string,
  size: number,
  take: Take,
  signal: AbortSignal | undefined,
): Promise<Passage | undefined> {
  const sftp = await wire.sftp();
  if (!sftp?.isUsable) return undefined;
  try {
    return await bounded(take(Readable.from(sftp.read(path, size))), path, signal);
  } catch (error) {
    if (!(error instanceof SftpRefusal)) throw error;
    return undefined;
  }
}

async function unpack(stream: Readable, folder: string): Promise<void> {
  const { extract } = await import('tar');
  const extractor = extract({ cwd: folder, strict: true });
  const finished = new Promise<void>((resolve, reject) => {
    extractor.once('close', resolve);
    extractor.once('error', reject);
  });
  finished.catch(() => {});
  for await (const chunk of stream) {
    if (!extractor.write(chunk as Buffer)) await new Promise((resolve) => extractor.once('drain', resolve));
  }
  extractor.end();
  await finished;
}

/** What is being written to a path of the host. */
export function temporaryBeside(path: string): string {
  return posix.join(posix.dirname(path), temporaryName(posix.basename(path)));
}

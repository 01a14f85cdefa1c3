/** Files and folders to a host over SSH and back: into a temporary place, compared by digest, then into the right one. */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, posix } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { LabError } from '../../errors.js';
import { type FileFacts, type TransferOptions, temporaryName } from '../host.js';
import type { RawOptions, RawResult } from './run.js';
import * as scripts from './scripts.js';

/** Files of any size go by `put` and `get`; that long a transfer may take. */
export const TRANSFER = 15 * 60_000;

/** Runs one of `scripts` on the host. */
export type RunScript = (script: string, args: readonly string[], options?: RawOptions) => Promise<RawResult>;

/** Copies a local file or folder to a host. */
export async function putPath(
  run: RunScript,
  local: string,
  remote: string,
  { onProgress }: TransferOptions,
): Promise<void> {
  const temporary = temporaryBeside(remote);
  const facts = await stat(local);
  try {
    let digest = '';
    if (facts.isDirectory()) {
      const { create } = await import('tar');
      const passage = new Passage(0, onProgress);
      const packed = Readable.from(create({ cwd: local }, ['.']));
      await run(scripts.PUT_FOLDER, [temporary], { input: through(packed, passage), timeout: TRANSFER });
    } else {
      const mode = (facts.mode & 0o777).toString(8);
      const passage = new Passage(facts.size, onProgress);
      await run(scripts.PUT_FILE, [temporary, mode, String(facts.size)], {
        input: through(createReadStream(local), passage),
        timeout: TRANSFER,
      });
      digest = passage.digest();
    }
    // A step of its own: it is only asked for once all has arrived.
    await run(scripts.PLACE, [temporary, remote, digest], { timeout: TRANSFER });
  } catch (error) {
    await run(scripts.REMOVE, [temporary]).catch(() => {});
    throw error;
  }
}

/** Copies a file or folder of a host here. */
export async function getPath(
  run: RunScript,
  remote: string,
  local: string,
  { kind, size }: FileFacts,
  { onProgress }: TransferOptions,
): Promise<void> {
  await mkdir(dirname(local), { recursive: true });
  const temporary = join(dirname(local), temporaryName(basename(local)));
  try {
    if (kind === 'directory') {
      await mkdir(temporary);
      const passage = new Passage(0, onProgress);
      await run(scripts.GET_FOLDER, [remote], {
        timeout: TRANSFER,
        onOutput: (output) => unpack(through(output, passage), temporary),
      });
    } else {
      const passage = new Passage(size, onProgress);
      await run(scripts.READ, [remote], {
        timeout: TRANSFER,
        onOutput: (output) => pipeline(output, passage, createWriteStream(temporary, { flags: 'wx' })),
      });
      const file = await open(temporary);
      await file.sync().finally(() => file.close());
      const { stdout } = await run(scripts.DIGEST, [remote], { timeout: TRANSFER });
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
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
}

/** Counts and digests what passes. */
class Passage extends Transform {
  readonly #hash = createHash('sha256');
  readonly #total: number;
  readonly #onProgress: TransferOptions['onProgress'];
  #done = 0;

  constructor(total: number, onProgress: TransferOptions['onProgress']) {
    super();
    this.#total = total;
    this.#onProgress = onProgress;
  }

  override _transform(chunk: Buffer, _encoding: string, done: (error: null, chunk: Buffer) => void): void {
    this.#hash.update(chunk);
    this.#done += chunk.length;
    this.#onProgress?.(this.#done, this.#total);
    done(null, chunk);
  }

  digest(): string {
    return this.#hash.digest('hex');
  }
}

/** A stream's error is the passage's too. */
function through(stream: Readable, passage: Passage): Passage {
  stream.once('error', (error) => passage.destroy(error));
  return stream.pipe(passage);
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

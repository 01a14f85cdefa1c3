import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, rm, stat, writeFile } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { formatAddress, formatMac, SECTOR } from '../aoe/index.js';
import { LabError, UsageError } from '../errors.js';
import { readStream, writeStream } from './streams.js';
import type { Target } from './target.js';

/** What a copy moved. */
export interface CopyReport {
  address: string;
  /** "02:00:00:00:00:01" */
  mac: string;
  /** Of the device, in bytes. */
  offset: number;
  bytes: number;
  seconds: number;
  /** Millions of bytes a second. */
  megabytesPerSecond: number;
  /** Of the bytes moved, as lower-case hex. */
  sha256: string;
}

/** Called with the bytes moved so far. */
type OnProgress = (done: number) => void;

/**
 * A part of a device in sectors.
 * @param offset bytes
 * @param length bytes; up to the device's end otherwise
 * @throws UsageError if it does not begin and end at borders of sectors, or is not within the device
 */
export async function rangeOf(
  target: Target,
  offset: number,
  length: number | undefined,
): Promise<{ from: number; count: number }> {
  const size = (await target.sectors()) * SECTOR;
  const tried = `taking ${length ?? 'all'} bytes at ${offset} of ${formatAddress(target.address)}`;
  for (const [name, value] of [
    ['offset', offset],
    ['length', length ?? 0],
  ] as const) {
    if (value % SECTOR === 0) continue;
    throw new UsageError({
      tried,
      happened: `the ${name} of ${value} bytes is not at a sector's border`,
      next: `take a multiple of ${SECTOR}, such as ${value - (value % SECTOR)}`,
    });
  }
  if (offset > size || offset + (length ?? 0) > size) {
    throw new UsageError({ tried, happened: `the device ends at ${size} bytes`, next: 'take less' });
  }
  return { from: offset / SECTOR, count: (length ?? size - offset) / SECTOR };
}

/**
 * Copies a part of a device to a file, which is replaced, or to a stream, which is not ended.
 * @throws LabError if it can't be read or written; a file that was not there before is then removed
 */
export async function copyFrom(
  target: Target,
  range: { from: number; count: number },
  output: string | NodeJS.WritableStream,
  onProgress: OnProgress,
): Promise<CopyReport> {
  const meter = new Meter(target, range.from * SECTOR, onProgress);
  const source = meter.watch(readStream(target, range));
  if (typeof output !== 'string') {
    await pipeline(source, output, { end: false }).catch((error: unknown) => {
      throw asLabError(error, 'writing to standard output');
    });
    return meter.report();
  }
  const { file, isNew } = await create(output);
  try {
    await writeFile(file, source);
    await file.close();
  } catch (error) {
    await file.close().catch(() => {});
    if (isNew) await rm(output, { force: true });
    throw asLabError(error, `writing ${output}`);
  }
  return meter.report();
}

/**
 * Copies a stream to a device, and has the target flush it.
 * @param from first sector
 * @throws LabError as writeStream does
 */
export async function copyTo(
  target: Target,
  from: number,
  input: AsyncIterable<Uint8Array>,
  onProgress: OnProgress,
): Promise<CopyReport & { flushed: boolean }> {
  const meter = new Meter(target, from * SECTOR, onProgress);
  await writeStream(target, from, meter.watch(input));
  const flushed = await target.flush();
  return { ...meter.report(), flushed };
}

/**
 * Opens what is to be written.
 * @param path a file; standard input otherwise
 * @returns its bytes, and their number where that is known beforehand
 * @throws UsageError if there is no such file, its size is no multiple of 512, or standard input is a terminal
 */
export async function openInput(
  path: string | undefined,
): Promise<{ data: AsyncIterable<Uint8Array>; size: number | undefined }> {
  const tried = path === undefined ? 'reading standard input' : `reading ${path}`;
  if (path === undefined) {
    if (!process.stdin.isTTY) return { data: process.stdin, size: undefined };
    const next = 'name a file by --input, or pipe the data in';
    throw new UsageError({ tried, happened: 'that is a terminal, and the data are bytes', next });
  }
  const facts = await stat(path).catch((cause: Error) => {
    throw new UsageError({
      tried,
      happened: cause.message,
      next: 'name the file that holds the data',
      cause,
    });
  });
  if (facts.isFile() && facts.size % SECTOR !== 0) {
    throw new UsageError({
      tried,
      happened: `its ${facts.size} bytes are no whole number of sectors`,
      next: `pad it to a multiple of ${SECTOR}: truncate -s %${SECTOR} FILE`,
    });
  }
  const data = createReadStream(path, { highWaterMark: 1 << 20 });
  return { data, size: facts.isFile() ? facts.size : undefined };
}

/** Counts and digests what passes. */
class Meter {
  readonly #target: Target;
  readonly #offset: number;
  readonly #onProgress: OnProgress;
  readonly #hash = createHash('sha256');
  readonly #started = performance.now();
  #bytes = 0;

  constructor(target: Target, offset: number, onProgress: OnProgress) {
    this.#target = target;
    this.#offset = offset;
    this.#onProgress = onProgress;
  }

  async *watch(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of source) {
      this.#hash.update(chunk);
      this.#bytes += chunk.length;
      this.#onProgress(this.#bytes);
      yield chunk;
    }
  }

  report(): CopyReport {
    const seconds = (performance.now() - this.#started) / 1000;
    return {
      address: formatAddress(this.#target.address),
      mac: formatMac(this.#target.mac),
      offset: this.#offset,
      bytes: this.#bytes,
      seconds,
      megabytesPerSecond: this.#bytes / 1e6 / seconds,
      sha256: this.#hash.digest('hex'),
    };
  }
}

async function create(path: string): Promise<{ file: FileHandle; isNew: boolean }> {
  try {
    return { file: await open(path, 'wx'), isNew: true };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw asLabError(error, `opening ${path}`);
  }
  try {
    return { file: await open(path, 'w'), isNew: false };
  } catch (error) {
    throw asLabError(error, `opening ${path}`);
  }
}

function asLabError(error: unknown, tried: string): unknown {
  if (error instanceof LabError) return error;
  return new LabError({ tried, happened: (error as Error).message, cause: error });
}

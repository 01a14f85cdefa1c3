import { type FileHandle, readFile } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { LabError, UsageError } from '../../base/errors.js';
import { type Output, type OutputOptions, openOutput } from '../../base/files/open-output.js';
import { deviceNumber } from '../../base/identity.js';
import { formatAddress, SECTOR } from '../aoe/index.js';
import { Checkpoint, type CopyFacts } from './checkpoint.js';
import type { Input } from './input.js';
import { type CopyReport, Meter } from './meter.js';
import { punched, SparseWriter } from './sparse.js';
import { type Hole, readStream, writeStream } from './streams.js';
import type { Target } from './target.js';

/** A part of a device, in sectors. */
export interface Range {
  from: number;
  count: number;
}

export interface CopyOptions {
  /** Called with the bytes moved so far, those of an earlier run included. */
  onProgress?: ((done: number) => void) | undefined;
  /** File that says how far the copy has come: with it a copy that is there is gone on with. */
  resume?: string | undefined;
  /** Bytes after which that is recorded; Default: 64 MiB, and every second besides. */
  recordEvery?: number | undefined;
  /**
   * Reading to a regular file: leave holes where there are blocks of zeros (done unless false). Writing: do not send
   * blocks of zeros, for a device that is known to be full of them (not done unless true).
   */
  sparse?: boolean | undefined;
}

export interface FileCopyOptions extends CopyOptions {
  /** Throws what is against overwriting a file or disk that is there. */
  judge?: OutputOptions['judge'];
}

/**
 * A part of a device in sectors.
 * @param offset bytes
 * @param length bytes. Default: up to the device's end
 * @param input name of what is to be written there; undefined: the target is read
 * @throws UsageError if it does not begin and end at borders of sectors, or is not within the device
 */
export async function rangeOf(
  target: Target,
  offset: number,
  length: number | undefined,
  input?: string,
): Promise<Range> {
  const size = (await target.sectors()) * SECTOR;
  const name = formatAddress(target.address);
  const much = length === undefined ? 'all' : `${length} bytes`;
  const tried =
    input === undefined
      ? `reading ${much} at ${offset} of ${name}`
      : `writing ${input} (${much}) at ${offset} of ${name}`;
  for (const [what, value] of [
    ['offset', offset],
    ['length', length ?? 0],
  ] as const) {
    if (value % SECTOR === 0) continue;
    const least = what === 'length' ? SECTOR : 0;
    throw new UsageError({
      tried,
      happened: `the ${what} of ${value} bytes is not at a sector's border`,
      next: `take a multiple of ${SECTOR}, such as ${Math.max(least, value - (value % SECTOR))}`,
    });
  }
  if (offset > size || offset + (length ?? 0) > size) {
    throw new UsageError({
      tried,
      happened: `the device ends at ${size} bytes`,
      next: input === undefined ? 'take a smaller --length or --offset' : 'take a smaller input or --offset',
    });
  }
  return { from: offset / SECTOR, count: (length ?? size - offset) / SECTOR };
}

/**
 * Copies a part of a device to a stream, which is not ended.
 * @throws LabError if it can't be read or written
 */
export async function copyToStream(
  target: Target,
  range: Range,
  output: NodeJS.WritableStream,
  options: CopyOptions = {},
): Promise<CopyReport> {
  const meter = new Meter(target, range.from * SECTOR, options.onProgress ?? (() => {}));
  await pipeline(meter.watch(readStream(target, range)), output, { end: false }).catch((error: unknown) => {
    throw asLabError(error, 'writing to standard output');
  });
  await target.confirm();
  return meter.report();
}

/**
 * Copies a part of a device to a file, which is replaced unless an earlier run is gone on with: once the first data have come.
 * @throws UsageError if it can't be gone on with · LabError if it can't be read or written; a file that was not there
 *   before is then removed, unless the copy can be gone on with
 */
export async function copyToFile(
  target: Target,
  range: Range,
  path: string,
  options: FileCopyOptions = {},
): Promise<CopyReport> {
  const meter = new Meter(target, range.from * SECTOR, options.onProgress ?? (() => {}));
  const checkpoint = await openCheckpoint(target, options, 'read', range.from, range.count, null);
  const done = checkpoint?.done ?? 0;
  const output = await openAt(path, done, options, checkpoint);
  const { file } = output;
  try {
    await requireRoom(file, path, range.count * SECTOR);
    const isRegular = (await file.stat()).isFile();
    if (done > 0) await takeUp(file, path, done, meter, checkpoint);
    const writer = new SparseWriter(file, isRegular && options.sparse !== false, done);
    const rest = { from: range.from + done / SECTOR, count: range.count - done / SECTOR };
    for await (const chunk of meter.watch(readStream(target, rest))) {
      if (writer.position === 0) await output.empty();
      await writer.write(chunk);
      if (!checkpoint?.isDue(writer.position)) continue;
      await target.confirm();
      await file.datasync();
      await checkpoint.save(writer.position);
    }
    if (writer.position === 0) await output.empty();
    await writer.end();
    await target.confirm();
    meter.zeroBytes = writer.holes;
    await file.close();
  } catch (error) {
    await file.close().catch(() => {});
    // What went wrong before is what counts.
    if (checkpoint === undefined) await output.discard().catch(() => {});
    throw asLabError(error, `writing ${path}`);
  }
  await checkpoint?.remove();
  return meter.report();
}

/**
 * Copies a stream to a device, and has the target flush it.
 * @param from first sector
 * @throws UsageError if it can't be gone on with · LabError as writeStream does
 */
export async function copyTo(
  target: Target,
  from: number,
  input: Input,
  options: CopyOptions = {},
): Promise<CopyReport & { flushed: boolean }> {
  const meter = new Meter(target, from * SECTOR, options.onProgress ?? (() => {}));
  const { size, modified = 0 } = input;
  const facts = size === undefined ? null : { size, modified };
  const count = size === undefined ? undefined : size / SECTOR;
  const checkpoint = await openCheckpoint(target, options, 'write', from, count, facts);
  meter.resumedAt = checkpoint?.done ?? 0;
  const watched = meter.watch(input.data);
  const sparse = options.sparse
    ? punched(watched, (bytes) => {
        meter.zeroBytes += bytes;
      })
    : watched;
  await writeStream(target, from, without(sparse, meter.resumedAt), async (done) => {
    if (!checkpoint?.isDue(done)) return;
    await target.confirm();
    // What a target has answered for may be in its cache only.
    await target.flush();
    await checkpoint.save(done);
  });
  const flushed = await target.flush();
  await target.confirm();
  await checkpoint?.remove();
  return { ...meter.report(), flushed };
}

/** Makes a hole of the first bytes of a stream: they have been written before. */
async function* without(
  source: AsyncIterable<Uint8Array | Hole>,
  bytes: number,
): AsyncGenerator<Uint8Array | Hole> {
  let left = bytes;
  for await (const chunk of source) {
    const length = 'hole' in chunk ? chunk.hole : chunk.length;
    const skipped = Math.min(left, length);
    left -= skipped;
    if (skipped > 0) yield { hole: skipped };
    if (skipped === length) continue;
    yield 'hole' in chunk ? { hole: length - skipped } : chunk.subarray(skipped);
  }
}

async function openCheckpoint(
  target: Target,
  { resume, recordEvery }: CopyOptions,
  direction: 'read' | 'write',
  from: number,
  count: number | undefined,
  input: CopyFacts['input'],
): Promise<Checkpoint | undefined> {
  if (resume === undefined) return undefined;
  const { model, serial } = await target.identify();
  const facts: CopyFacts = {
    direction,
    address: formatAddress(target.address),
    model,
    serial,
    sectors: await target.sectors(),
    offset: from * SECTOR,
    length: count === undefined ? null : count * SECTOR,
    input,
  };
  return Checkpoint.open(resume, facts, recordEvery);
}

/** Digests what an earlier run has written, and cuts off what may be behind it. */
async function takeUp(
  file: FileHandle,
  path: string,
  done: number,
  meter: Meter,
  checkpoint: Checkpoint | undefined,
): Promise<void> {
  const disk = await diskSize(file);
  const size = disk ?? (await file.stat()).size;
  if (size < done) {
    throw new UsageError({
      tried: `going on with ${path}`,
      happened: `it has ${size} bytes, and ${done} were copied before`,
      next: `remove ${checkpoint?.path} to copy all anew`,
    });
  }
  const before = file.createReadStream({ start: 0, end: done - 1, highWaterMark: 1 << 20, autoClose: false });
  for await (const _chunk of meter.watch(before));
  if (disk === undefined) await file.truncate(done);
  meter.resumedAt = done;
}

/** Bytes of a disk; undefined of what is none. */
async function diskSize(file: FileHandle): Promise<number | undefined> {
  const facts = await file.stat({ bigint: true });
  if (!facts.isBlockDevice()) return undefined;
  return Number(await readFile(`/sys/dev/block/${deviceNumber(facts.rdev)}/size`, 'utf8')) * SECTOR;
}

/** @throws UsageError where a disk would be overwritten for a copy that can't be whole */
async function requireRoom(file: FileHandle, path: string, bytes: number): Promise<void> {
  const size = await diskSize(file);
  if (size === undefined || size >= bytes) return;
  throw new UsageError({
    tried: `writing ${path}`,
    happened: `it has ${size} bytes, and ${bytes} are to be copied; nothing was written`,
    next: `take --length ${size} for what has room, or a larger disk`,
  });
}

async function openAt(
  path: string,
  done: number,
  { judge }: FileCopyOptions,
  checkpoint: Checkpoint | undefined,
): Promise<Output> {
  try {
    const output = await openOutput(path, done > 0 ? { only: 'there', isRead: true, judge } : { judge });
    try {
      await checkpoint?.requireApart(output.file);
    } catch (error) {
      await output.file.close();
      await output.discard();
      throw error;
    }
    return output;
  } catch (error) {
    throw asLabError(error, `opening ${path}`);
  }
}

function asLabError(error: unknown, tried: string): unknown {
  if (error instanceof LabError) return error;
  return new LabError({ tried, happened: (error as Error).message, cause: error });
}

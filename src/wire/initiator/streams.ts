import { LabError } from '../../base/errors.js';
import { SECTOR } from '../aoe/index.js';
import type { Target } from './target.js';

/** Bytes of one step of a stream, about; some steps are under way at a time, so that the window never runs empty. */
const STEP = 1 << 20;
const STEPS_AHEAD = 3;

/**
 * Reads sectors as a stream of chunks in order, each whole sectors. Ending the iteration early ends the reading.
 *
 * @param range first sector and number of sectors
 * @throws LabError as Target.read does
 */
export async function* readStream(
  target: Target,
  range: { from: number; count: number },
): AsyncGenerator<Buffer> {
  const step = stepOf(target);
  const end = range.from + range.count;
  const ahead: Promise<Buffer>[] = [];
  let next = range.from;
  try {
    while (next < end || ahead.length > 0) {
      while (next < end && ahead.length < STEPS_AHEAD) {
        const count = Math.min(step, end - next);
        ahead.push(quiet(target.read(next, count)));
        next += count;
      }
      yield await (ahead.shift() as Promise<Buffer>);
    }
  } finally {
    await Promise.allSettled(ahead);
  }
}

/** A part of a stream that is passed over: a multiple of 512 bytes, at a sector's border. */
export interface Hole {
  /** Bytes. */
  hole: number;
}

/**
 * Writes a stream of bytes, however they are divided; resolved when the target has answered for all of them.
 *
 * @param from first sector
 * @param source what it yields may be reused by it at once
 * @param onAcknowledged told how many bytes from the beginning, holes included, the target has answered for; waited for
 * @returns the bytes of the stream, holes included
 * @throws LabError as Target.write does, if the stream's length is no multiple of 512, or if it goes on where the device
 *   ends: all before is written then
 */
export async function writeStream(
  target: Target,
  from: number,
  source: AsyncIterable<Uint8Array | Hole> | Iterable<Uint8Array | Hole>,
  onAcknowledged: (bytes: number) => Promise<void> | void = () => {},
): Promise<number> {
  const stepBytes = stepOf(target) * SECTOR;
  const ahead: { done: Promise<void>; memory: Buffer; end: number }[] = [];
  const last = await target.sectors();
  let lba = from;
  let memory: Buffer = Buffer.allocUnsafe(stepBytes);
  let filled = 0;
  const takeOldest = async (): Promise<Buffer | undefined> => {
    const oldest = ahead.shift();
    await oldest?.done;
    if (oldest) await onAcknowledged((oldest.end - from) * SECTOR);
    return oldest?.memory;
  };
  /** What is called written is on the medium, as after a stream that fits. */
  const kept = async (): Promise<string> => {
    const isFlushed = await target.flush();
    await target.confirm();
    return isFlushed ? '' : ', as far as is known: the target knows no flush';
  };
  const requireRoom = async (sectors: number): Promise<void> => {
    if (lba + sectors <= last) return;
    filled = Math.max(0, Math.min(filled, (last - lba) * SECTOR));
    if (filled > 0) await send();
    while (ahead.length > 0) await takeOldest();
    throw new LabError({
      tried: `writing a stream to sector ${from}`,
      happened: `the device ends at sector ${last}, and the stream goes on: its first ${Math.max(0, last - from) * SECTOR} bytes were written${await kept()}`,
      next: 'take less, begin earlier, or a larger device',
    });
  };
  const send = async (): Promise<void> => {
    await requireRoom(filled / SECTOR);
    const done = quiet(target.write(lba, memory.subarray(0, filled)));
    lba += filled / SECTOR;
    ahead.push({ done, memory, end: lba });
    filled = 0;
    memory = (ahead.length < STEPS_AHEAD ? undefined : await takeOldest()) ?? Buffer.allocUnsafe(stepBytes);
  };
  try {
    for await (const chunk of source) {
      if ('hole' in chunk) {
        if (filled > 0) await send();
        await requireRoom(chunk.hole / SECTOR);
        lba += chunk.hole / SECTOR;
        continue;
      }
      for (let offset = 0; offset < chunk.length; ) {
        const part = chunk.subarray(offset, offset + stepBytes - filled);
        memory.set(part, filled);
        filled += part.length;
        offset += part.length;
        if (filled === stepBytes) await send();
      }
    }
    const surplus = filled % SECTOR;
    filled -= surplus;
    if (filled > 0) await send();
    while (ahead.length > 0) await takeOldest();
    if (surplus > 0) {
      await requireRoom(1);
      throw new LabError({
        tried: `writing a stream to sector ${from}`,
        happened: `it ends ${surplus} bytes behind a sector's border; the whole sectors before were written${await kept()}`,
        next: `pad it to a multiple of ${SECTOR} bytes`,
      });
    }
    return (lba - from) * SECTOR;
  } finally {
    await Promise.allSettled(ahead.map(({ done }) => done));
  }
}

/** Sectors of a step: whole frames, so that none but the last is short. */
function stepOf({ sectorsPerFrame }: Target): number {
  return Math.max(1, Math.floor(STEP / SECTOR / sectorsPerFrame)) * sectorsPerFrame;
}

/** The failure of a step is reported when its turn comes, not before. */
function quiet<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}

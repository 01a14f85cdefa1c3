/** Random data written over the wire, and read back: what both sides saw, by digest. */

import { createHash, randomFillSync } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { SECTOR } from '../../wire/aoe/index.js';
import { readStream, writeStream } from '../../wire/initiator/streams.js';
import type { Target } from '../../wire/initiator/target.js';

export interface Passage {
  bytes: number;
  /** Milliseconds. */
  time: number;
  sha256: string;
}

const CHUNK = 1 << 20;
/**
 * Writes random data from the first sector on.
 * @param bytes whole sectors
 * @param onProgress told the bytes handed over so far
 * @throws LabError as Target.write does
 */
export async function writeRandom(
  target: Target,
  bytes: number,
  onProgress: (done: number) => void,
): Promise<Passage> {
  const hash = createHash('sha256');
  async function* random(): AsyncGenerator<Buffer> {
    for (let done = 0; done < bytes; done += CHUNK) {
      const chunk = randomFillSync(Buffer.allocUnsafe(Math.min(CHUNK, bytes - done)));
      hash.update(chunk);
      onProgress(done);
      yield chunk;
    }
  }
  const started = performance.now();
  const written = await writeStream(target, 0, random());
  return { bytes: written, time: performance.now() - started, sha256: hash.digest('hex') };
}

/** Reads from the first sector on; parameters and errors as those of `writeRandom`. */
export async function readBack(
  target: Target,
  bytes: number,
  onProgress: (done: number) => void,
): Promise<Passage> {
  const hash = createHash('sha256');
  const started = performance.now();
  let done = 0;
  for await (const chunk of readStream(target, { from: 0, count: bytes / SECTOR })) {
    hash.update(chunk);
    done += chunk.length;
    onProgress(done);
  }
  return { bytes: done, time: performance.now() - started, sha256: hash.digest('hex') };
}

/** SHA-256 of the first bytes of a file. */
export async function digestOfStart(path: string, bytes: number): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { end: bytes - 1 })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

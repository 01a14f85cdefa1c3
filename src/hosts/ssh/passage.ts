/** What files pass through on their way to a host or back. */
import { createHash } from 'node:crypto';
import { type Readable, Transform } from 'node:stream';
import type { TransferOptions } from '../host/host.js';

/** Counts and digests what passes. */
export class Passage extends Transform {
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

/** What is read here, until the passage ends in any way. */
export function fed(source: Readable, passage: Passage): Passage {
  passage.once('close', () => source.destroy());
  return through(source, passage);
}

/** A stream's error is the passage's too. */
export function through(stream: Readable, passage: Passage): Passage {
  stream.once('error', (error) => passage.destroy(error));
  return stream.pipe(passage);
}

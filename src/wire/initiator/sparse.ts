import type { FileHandle } from 'node:fs/promises';
import type { Hole } from './streams.js';

/** Zeros are looked for in blocks of this many bytes, that of most file systems. */
const BLOCK = 4096;
const ZEROS = Buffer.alloc(BLOCK);

interface Run {
  isZero: boolean;
  bytes: Uint8Array;
}

/** Divides a chunk into runs of zeros and of data, at borders of blocks. @param position of the chunk in its stream */
function* runs(chunk: Uint8Array, position: number): Generator<Run> {
  let start = 0;
  let isZero: boolean | undefined;
  for (let offset = 0; offset < chunk.length; ) {
    const end = Math.min(chunk.length, offset + BLOCK - ((position + offset) % BLOCK));
    const block = chunk.subarray(offset, end);
    // A part of a block is data: nothing is won by leaving it out.
    const zero = block.length === BLOCK && block[0] === 0 && ZEROS.equals(block);
    if (zero !== isZero && offset > start) {
      yield { isZero: isZero === true, bytes: chunk.subarray(start, offset) };
      start = offset;
    }
    isZero = zero;
    offset = end;
  }
  if (start < chunk.length) yield { isZero: isZero === true, bytes: chunk.subarray(start) };
}

/** Puts holes where a stream has blocks of zeros. @param onHole told of the bytes of each */
export async function* punched(
  source: AsyncIterable<Uint8Array>,
  onHole: (bytes: number) => void,
): AsyncGenerator<Uint8Array | Hole> {
  let position = 0;
  for await (const chunk of source) {
    for (const { isZero, bytes } of runs(chunk, position)) {
      if (isZero) onHole(bytes.length);
      yield isZero ? { hole: bytes.length } : bytes;
    }
    position += chunk.length;
  }
}

/** Writes a file from some position on, one chunk behind the other, leaving holes where there are blocks of zeros. */
export class SparseWriter {
  /** Bytes left as holes. */
  holes = 0;
  position: number;
  readonly #file: FileHandle;
  readonly #canHaveHoles: boolean;

  /** @param canHaveHoles whether it is a regular file, and has no data behind the position */
  constructor(file: FileHandle, canHaveHoles: boolean, position: number) {
    this.#file = file;
    this.#canHaveHoles = canHaveHoles;
    this.position = position;
  }

  async write(chunk: Uint8Array): Promise<void> {
    if (!this.#canHaveHoles) {
      for (let done = 0; done < chunk.length; ) {
        done += (await this.#file.write(chunk, done)).bytesWritten;
      }
      this.position += chunk.length;
      return;
    }
    for (const { isZero, bytes } of runs(chunk, this.position)) {
      for (let done = 0; done < bytes.length && !isZero; ) {
        const { bytesWritten } = await this.#file.write(
          bytes,
          done,
          bytes.length - done,
          this.position + done,
        );
        done += bytesWritten;
      }
      if (isZero) this.holes += bytes.length;
      this.position += bytes.length;
    }
  }

  /** A hole at the end is one only when the file is told how long it is. */
  async end(): Promise<void> {
    if (this.#canHaveHoles) await this.#file.truncate(this.position);
  }
}

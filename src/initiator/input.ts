import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { SECTOR } from '../aoe/index.js';
import { UsageError } from '../errors.js';

/** What is to be written to a device. */
export interface Input {
  data: AsyncIterable<Uint8Array>;
  /** Bytes, where that is known beforehand. */
  size: number | undefined;
  /** Milliseconds since 1970, of a file. */
  modified: number | undefined;
}

/**
 * Opens what is to be written.
 * @param path a file; undefined stands for standard input
 * @throws UsageError if there is no such file, its size is no multiple of 512, or standard input is a terminal
 */
export async function openInput(path: string | undefined): Promise<Input> {
  const tried = path === undefined ? 'reading standard input' : `reading ${path}`;
  if (path === undefined) {
    if (!process.stdin.isTTY) return { data: process.stdin, size: undefined, modified: undefined };
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
  return { data, size: facts.isFile() ? facts.size : undefined, modified: Math.floor(facts.mtimeMs) };
}

import { createReadStream } from 'node:fs';
import { UsageError } from './errors.js';
import { expectedError } from './system-errors.js';
import { formatSize } from './units.js';

/** Bytes: what a person writes is shorter, and a device may have no end. */
const MOST = 16 * 2 ** 20;

/**
 * The text of a file that the user named.
 * @param next what to do where it can't be read
 * @throws UsageError if it can't be, is none of UTF-8, or is too long to have been written by a person
 */
export async function readTextFile(path: string, next: string): Promise<string> {
  const tried = `reading ${path}`;
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of createReadStream(path, { end: MOST })) chunks.push(chunk as Buffer);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const happened = code === 'ENOENT' ? 'there is no such file' : expectedError(cause)?.facts.happened;
    if (happened === undefined) throw cause;
    throw new UsageError({ tried, happened, next, cause });
  }
  const data = Buffer.concat(chunks);
  if (data.length > MOST)
    throw new UsageError({ tried, happened: `it is longer than ${formatSize(MOST)}`, next });
  try {
    return new TextDecoder('utf8', { fatal: true, ignoreBOM: false }).decode(data);
  } catch (cause) {
    throw new UsageError({ tried, happened: 'it is no text of UTF-8', next, cause });
  }
}

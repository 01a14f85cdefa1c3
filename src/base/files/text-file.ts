import { UsageError } from '../errors.js';
import { expectedError } from '../system-errors.js';
import { readBounded, UnfitFileError } from './read-bounded.js';

/** Bytes: what a person writes is shorter, a device may have no end, and parsed it takes some hundred times as much memory. */
const MOST = 2 * 2 ** 20;

/** Milliseconds until the one who writes to a pipe of that name has to have come. */
const PATIENCE = 5000;

/**
 * The text of a file that the user named, or of a pipe, as of `<(command)`.
 * @param next what to do where it can't be read
 * @throws UsageError if it can't be, is none of UTF-8, is too long to have been written by a person, or a pipe without a writer
 */
export async function readTextFile(path: string, next: string, patience = PATIENCE): Promise<string> {
  const tried = `reading ${path}`;
  let data: Buffer;
  try {
    data = await readBounded(path, { most: MOST, pipe: patience });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const happened =
      code === 'ENOENT'
        ? 'there is no such file'
        : cause instanceof UnfitFileError
          ? cause.reason
          : expectedError(cause)?.facts.happened;
    if (happened === undefined) throw cause;
    throw new UsageError({ tried, happened, next, cause });
  }
  try {
    return new TextDecoder('utf8', { fatal: true, ignoreBOM: false }).decode(data);
  } catch (cause) {
    throw new UsageError({ tried, happened: 'it is no text of UTF-8', next, cause });
  }
}

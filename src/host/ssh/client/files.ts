import type { Stats } from 'node:fs';
import { readBounded } from '../../../read-bounded.js';

/** Bytes: known_hosts of a large site has some hundred thousand lines. */
const MOST = 64 << 20;

/**
 * Text of a file; undefined if there is none.
 * @param judge see BoundedOptions
 * @throws UnfitFileError
 */
export async function textOf(
  path: string,
  judge?: (facts: Stats) => string | undefined,
): Promise<string | undefined> {
  try {
    return (await readBounded(path, { most: MOST, ...(judge === undefined ? {} : { judge }) })).toString();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

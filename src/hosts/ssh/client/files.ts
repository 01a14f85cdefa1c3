import { type BoundedOptions, readBounded } from '../../../base/files/read-bounded.js';

/** Bytes: known_hosts of a large site has some hundred thousand lines. */
const MOST = 64 << 20;

/**
 * Text of a file; undefined if there is none.
 * @param options see BoundedOptions
 * @throws UnfitFileError; LabError for a link of somebody else's on the way to one that has to be `own`
 */
export async function textOf(
  path: string,
  options: Pick<BoundedOptions, 'judge' | 'own'> = {},
): Promise<string | undefined> {
  try {
    return (await readBounded(path, { most: MOST, ...options })).toString();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

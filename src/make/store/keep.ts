import { mkdir, rename, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { withWorkFolder } from './work.js';

/**
 * Makes a file or folder of the store once for each name. Whoever looks sees all of it or nothing; what a killed process left goes
 * with its work folder.
 * @param path in the store, named by what it is made from
 * @param make makes it at the path that it gets, where nothing is
 * @param isWhole Default: what is there counts as whole; what is not is made again
 * @returns the path
 */
export async function keep(
  path: string,
  make: (at: string) => Promise<unknown>,
  isWhole: (path: string) => Promise<boolean> = async () => true,
): Promise<string> {
  const isThere = (await stat(path).catch(() => undefined)) !== undefined;
  if (isThere && (await isWhole(path))) return path;
  await withWorkFolder(async (work) => {
    const fresh = join(work, 'fresh');
    await make(fresh);
    if (isThere) await rename(path, join(work, 'discarded')).catch(() => {});
    await put(fresh, path);
  });
  return path;
}

/** Moves what is finished into place. Another process may have been first: then its folder stays, which holds the same. */
export async function put(finished: string, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await rename(finished, path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
  });
}

/** Folders that are filled where others may write: by their handle, as the name may lead elsewhere by then. */
import { constants } from 'node:fs';
import { type FileHandle, mkdir, mkdtemp, open } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { LabError } from '../errors.js';
import { underName } from '../system-errors.js';
import { O_PATH, openTrusted } from './open-trusted.js';
import { removeTree } from './remove-tree.js';

const FOLDER = O_PATH | constants.O_DIRECTORY;

/**
 * @param prefix path that the folder's begins with; the rest can't be foreseen
 * @param fill writes into the folder that it is told, which is another name of the same
 * @returns the folder's path; its mode goes by the umask
 * @throws LabError for a link on the way, in a folder that somebody else may write to
 */
export async function freshFolder(prefix: string, fill: (inside: string) => Promise<void>): Promise<string> {
  const place = dirname(prefix);
  const parent = await openOrMake(place);
  const made = await mkdtemp(`/proc/self/fd/${parent.fd}/${basename(prefix)}`)
    .catch((error: unknown) => {
      throw underName(error, prefix);
    })
    .finally(() => parent.close());
  const path = join(place, basename(made));
  const folder = await open(path, constants.O_DIRECTORY | constants.O_NOFOLLOW);
  const inside = `/proc/self/fd/${folder.fd}`;
  try {
    if ((await folder.stat()).uid !== process.geteuid?.()) {
      throw new LabError({ tried: `writing to ${path}`, happened: "it is somebody else's by now" });
    }
    await fill(inside);
    await folder.chmod(0o777 & ~process.umask());
    return path;
  } catch (error) {
    await removeTree(path);
    const { path: at } = error as NodeJS.ErrnoException;
    throw at?.startsWith(inside) ? underName(error, path + at.slice(inside.length)) : error;
  } finally {
    await folder.close();
  }
}

/**
 * Makes a folder, and those above it, where they are missing.
 * @throws LabError for a link in a folder that somebody else may write to
 */
export async function makeFolders(path: string): Promise<void> {
  await (await openOrMake(path)).close();
}

async function openOrMake(path: string): Promise<FileHandle> {
  const there = await openTrusted(path, FOLDER).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    return undefined;
  });
  if (there !== undefined) return there;
  const parent = await openOrMake(dirname(path));
  try {
    const name = `/proc/self/fd/${parent.fd}/${basename(path)}`;
    await mkdir(name).catch((error: NodeJS.ErrnoException) => {
      // Another may have made it meanwhile; a link that leads nowhere is none.
      if (error.code !== 'EEXIST') throw error;
    });
    return await open(name, FOLDER | constants.O_NOFOLLOW);
  } catch (error) {
    throw underName(error, path);
  } finally {
    await parent.close();
  }
}

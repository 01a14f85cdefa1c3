import { lstat, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeLeftBehind, removeTree } from '../../base/files/remove-tree.js';
import { ownMark } from '../../base/owner.js';

/** A temporary folder for one run, closed to other users. */
export interface RunFolder {
  path: string;
  /** Removes it with all in it, unless its name has become another's. */
  remove(): Promise<void>;
}

/**
 * Makes one, named after this process; removes those of runs of the same purpose that were killed.
 * @param purpose part of the name, such as `demo`
 */
export async function makeRunFolder(purpose: string, parent = tmpdir()): Promise<RunFolder> {
  const prefix = `aoe-lab-${purpose}-`;
  await removeLeftBehind(parent, prefix);
  const path = await mkdtemp(join(parent, `${prefix}${await ownMark()}-`));
  const made = await lstat(path);
  return {
    path,
    remove: () => removeTree(path, ({ dev, ino }) => dev === made.dev && ino === made.ino),
  };
}

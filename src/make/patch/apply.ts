import { constants, lstatSync } from 'node:fs';
import {
  chmod,
  copyFile,
  lstat,
  mkdir,
  readdir,
  readlink,
  rename,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { LabError, UsageError } from '../../base/errors.js';
import { freshFolder } from '../../base/files/fresh-folder.js';
import { removeTree } from '../../base/files/remove-tree.js';
import type { PatchPlan } from './plan.js';

/**
 * Time of change of every file in a patched tree, in seconds since 1970. Stores and checkouts lose the order of the
 * original times, and make would then run autoconf or yacc again for files that came generated.
 */
export const TREE_TIME = 1_000_000_000;
/** Files that a patch changed are newer, so that what is generated from them is made again. */
const PATCHED_TIME = TREE_TIME + 1;

/**
 * Writes a patched copy of the tree. It is made beside its place and renamed, so that it is whole or not there.
 * @param destination a folder that does not exist or is empty
 * @throws UsageError if there is something in it
 */
export async function applyPatches(plan: PatchPlan, destination: string): Promise<void> {
  await refuseFilled(destination);
  const making = await freshFolder(`${destination}.partial-`, async (inside) => {
    await copyTree(plan, inside, '');
    for (const [path, content] of plan.contents) {
      if (content !== undefined) await writePatched(join(inside, path), content.text, content.executable);
    }
  });
  try {
    await rename(making, destination);
  } catch (error) {
    await removeTree(making);
    throw error;
  }
}

async function refuseFilled(destination: string): Promise<void> {
  const facts = lstatSync(destination, { throwIfNoEntry: false });
  if (facts === undefined) return;
  if (facts.isDirectory() && (await readdir(destination)).length === 0) return;
  throw new UsageError({
    tried: `writing a patched tree to ${destination}`,
    happened: facts.isDirectory() ? 'the folder is not empty' : 'it is there and no folder',
    next: 'name a folder that does not exist or is empty',
  });
}

async function copyTree(plan: PatchPlan, to: string, prefix: string): Promise<void> {
  for (const entry of await readdir(join(plan.folder, prefix), { withFileTypes: true })) {
    const path = join(prefix, entry.name);
    const from = join(plan.folder, path);
    const target = join(to, path);
    if (entry.isDirectory()) {
      await mkdir(target);
      await copyTree(plan, to, path);
    } else if (entry.isSymbolicLink()) await symlink(await readlink(from), target);
    else if (!entry.isFile()) {
      throw new LabError({
        tried: `copying ${path} of a source tree`,
        happened: 'it is no file, folder or link',
      });
    } else if (!plan.contents.has(path) || plan.contents.get(path) !== undefined) {
      await copyFile(from, target, constants.COPYFILE_FICLONE);
      // Trees in the store may be read-only; a build must be able to write in its copy.
      await chmod(target, ((await lstat(from)).mode & 0o777) | 0o200);
      await utimes(target, TREE_TIME, TREE_TIME);
    }
  }
}

async function writePatched(path: string, text: string, executable: boolean | undefined): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text, 'latin1');
  if (executable) await chmod(path, 0o755);
  await utimes(path, PATCHED_TIME, PATCHED_TIME);
}

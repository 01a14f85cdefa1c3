import type { Stats } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { VERSION_CONTROL } from '../store/tree-digest.js';

/**
 * Folders that may be the root of a source tree in what was fetched, the likeliest first: a known subfolder of it or of
 * its single top folder, that single top folder, all of it.
 * @param subdirs where recipes say that the root lies
 */
export async function possibleRoots(folder: string, subdirs: readonly string[]): Promise<string[]> {
  const top = await singleFolder(folder);
  const bases = top === undefined ? [folder] : [folder, top];
  const candidates = subdirs.flatMap((subdir) => bases.map((base) => join(base, subdir)));
  const found: string[] = [];
  for (const candidate of [...candidates, ...bases.reverse()]) {
    if ((await isOwnFolder(folder, candidate)) && !found.includes(candidate)) found.push(candidate);
  }
  return found;
}

/** A link is none: what it leads to would be hashed, and the link itself be moved into the store. */
async function isOwnFolder(folder: string, path: string): Promise<boolean> {
  const [base, real] = await Promise.all([realpath(folder), realpath(path).catch(() => undefined)]);
  return real === join(base, relative(folder, path)) && ((await statOf(path))?.isDirectory() ?? false);
}

async function singleFolder(folder: string): Promise<string | undefined> {
  const names = (await readdir(folder)).filter((name) => !VERSION_CONTROL.includes(name));
  const only = names.length === 1 ? join(folder, names[0] as string) : undefined;
  return only !== undefined && (await statOf(only))?.isDirectory() ? only : undefined;
}

function statOf(path: string): Promise<Stats | undefined> {
  return stat(path).catch(() => undefined);
}

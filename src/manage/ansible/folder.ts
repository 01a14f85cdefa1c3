/** The folder that a rendered lab lies in: replaced as a whole, and never where a person's work would be lost. */
import { constants, type Stats } from 'node:fs';
import { mkdir, readdir, rename, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { digestOf } from '../../base/digest.js';
import { UsageError } from '../../base/errors.js';
import { freshFolder, makeFolders } from '../../base/files/fresh-folder.js';
import { readBounded, UnfitFileError } from '../../base/files/read-bounded.js';
import { removeLeftBehind, removeTree } from '../../base/files/remove-tree.js';
import { parseJson } from '../../base/json.js';
import { ownMark } from '../../base/owner.js';

/** Tells that a folder was written here, and with what: path → sha256. */
const MARKER = '.aoe-lab-render.json';

/** Bytes of a file there: more than any target and the code of native have. */
const MOST = 256 * 2 ** 20;

interface Marker {
  format: 1;
  files: Record<string, string>;
}

/**
 * Writes files into a folder of their own, in the place of what an earlier call wrote there. The folder is at no moment half
 * of each; a call that was killed between taking the old one away and putting the new one there is finished by the next.
 * @throws UsageError if the folder holds what no earlier call wrote, or what was changed since
 */
export async function writeFolder(
  output: string,
  files: ReadonlyMap<string, string | Buffer>,
): Promise<void> {
  const folder = resolve(output);
  const parent = dirname(folder);
  await makeFolders(parent);
  const name = basename(folder);
  const old = join(parent, `.${name}.aoe-lab-old`);
  if ((await filesIn(folder)) === undefined && (await filesIn(old)) !== undefined) await rename(old, folder);
  await refuseForeign(folder);
  const fresh = `.${name}.aoe-lab-new-`;
  await removeLeftBehind(parent, fresh);
  await replaceFolder(folder, old, await makeFolder(join(parent, `${fresh}${await ownMark()}-`), files));
}

/** @returns the path of a folder of an unforeseeable name that begins so, with the files in it and the marker */
function makeFolder(prefix: string, files: ReadonlyMap<string, string | Buffer>): Promise<string> {
  return freshFolder(prefix, async (inside) => {
    const digests = Object.fromEntries([...files].map(([name, content]) => [name, digestOf(content)]));
    const marker = JSON.stringify({ format: 1, files: digests } satisfies Marker, null, 2);
    for (const [name, content] of [...files, [MARKER, `${marker}\n`] as const]) {
      await mkdir(join(inside, dirname(name)), { recursive: true });
      await writeFile(join(inside, name), content);
    }
  });
}

async function replaceFolder(folder: string, old: string, fresh: string): Promise<void> {
  if ((await filesIn(folder)) !== undefined) {
    await removeTree(old);
    await rename(folder, old);
  }
  await rename(fresh, folder);
  await removeTree(old);
}

async function refuseForeign(folder: string): Promise<void> {
  const there = await filesIn(folder);
  if (there === undefined || there.length === 0) return;
  const marker = await markerOf(folder);
  const foreign: string[] = [];
  for (const path of there) {
    if (path === MARKER) continue;
    const known = marker?.files[path];
    if (known === undefined) foreign.push(`${path} was not written by aoe-lab render`);
    else if ((await digestIn(folder, path)) !== known) foreign.push(`${path} was changed since`);
  }
  if (marker !== undefined && foreign.length === 0) return;
  const [first = 'it is not empty'] = foreign;
  throw new UsageError({
    tried: `writing to the folder ${folder}`,
    happened:
      marker === undefined
        ? `it was not written by aoe-lab render, and holds ${there.length} files`
        : [
            first,
            ...foreign.slice(1, 10),
            ...(foreign.length > 10 ? [`and ${foreign.length - 10} more`] : []),
          ],
    next: [
      'name another folder by --output',
      'or move what is yours away: the folder is replaced as a whole',
    ],
  });
}

async function markerOf(folder: string): Promise<Marker | undefined> {
  try {
    const marker = parseJson((await readIn(folder, MARKER)).toString()) as Partial<Marker>;
    return marker.format === 1 && typeof marker.files === 'object' ? (marker as Marker) : undefined;
  } catch {
    return undefined;
  }
}

/** @returns undefined of what was not written here, whatever it is */
async function digestIn(folder: string, path: string): Promise<string | undefined> {
  try {
    return digestOf(await readIn(folder, path));
  } catch (error) {
    if (error instanceof UnfitFileError || (error as NodeJS.ErrnoException).code === 'ELOOP')
      return undefined;
    throw error;
  }
}

/** Others may have put a pipe, or a link to what has no end, in its place. */
function readIn(folder: string, path: string): Promise<Buffer> {
  const judge = (facts: Stats) => (facts.isFile() ? undefined : 'it is no file');
  return readBounded(join(folder, path), { most: MOST, flags: constants.O_NOFOLLOW, judge });
}

/** Paths below a folder of all that is no folder; undefined if there is none. @throws UsageError if it is no folder */
async function filesIn(folder: string): Promise<string[] | undefined> {
  try {
    const found = await readdir(folder, { recursive: true, withFileTypes: true });
    return found
      .filter((one) => !one.isDirectory())
      .map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    throw new UsageError({
      tried: `looking at ${folder}`,
      happened: code === 'ENOTDIR' ? 'it is no folder' : message,
      next: 'name another one by --output',
    });
  }
}

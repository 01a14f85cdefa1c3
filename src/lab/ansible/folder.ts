/** The folder that a rendered lab lies in: replaced as a whole, and never where a person's work would be lost. */
import { constants } from 'node:fs';
import { mkdir, mkdtemp, open, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { digestOf } from '../../digest.js';
import { LabError, UsageError } from '../../errors.js';
import { parseJson } from '../../json.js';
import { removeLeftBehind, removeTree } from '../../remove-tree.js';

/** Tells that a folder was written here, and with what: path → sha256. */
const MARKER = '.aoe-lab-render.json';

interface Marker {
  format: 1;
  files: Record<string, string>;
}

/**
 * Writes files into a folder of their own, in the place of what an earlier call wrote there. The folder is at no moment half
 * of each; a call that was killed between taking the old one away and putting the new one there is mended by the next.
 * @throws UsageError if the folder holds what no earlier call wrote, or what was changed since
 */
export async function writeFolder(
  output: string,
  files: ReadonlyMap<string, string | Buffer>,
): Promise<void> {
  const folder = resolve(output);
  const parent = dirname(folder);
  await mkdir(parent, { recursive: true });
  const name = basename(folder);
  const old = join(parent, `.${name}.aoe-lab-old`);
  if ((await filesIn(folder)) === undefined && (await filesIn(old)) !== undefined) await rename(old, folder);
  await refuseForeign(folder);
  const fresh = `.${name}.aoe-lab-new-`;
  await removeLeftBehind(parent, fresh);
  await replaceFolder(folder, old, await makeFolder(join(parent, `${fresh}${process.pid}-`), files));
}

/** @returns the path of a folder of an unforeseeable name that begins so, with the files in it and the marker */
async function makeFolder(prefix: string, files: ReadonlyMap<string, string | Buffer>): Promise<string> {
  const path = await mkdtemp(prefix);
  // By its handle: in a folder of others its name may lead elsewhere by now.
  const folder = await open(path, constants.O_DIRECTORY | constants.O_NOFOLLOW);
  const inside = `/proc/self/fd/${folder.fd}`;
  try {
    if ((await folder.stat()).uid !== process.geteuid?.()) {
      throw new LabError({ tried: `writing to ${path}`, happened: "it is somebody else's by now" });
    }
    const digests = Object.fromEntries([...files].map(([name, content]) => [name, digestOf(content)]));
    const marker = JSON.stringify({ format: 1, files: digests } satisfies Marker, null, 2);
    for (const [name, content] of [...files, [MARKER, `${marker}\n`] as const]) {
      await mkdir(join(inside, dirname(name)), { recursive: true });
      await writeFile(join(inside, name), content);
    }
    await folder.chmod(0o777 & ~process.umask());
    return path;
  } catch (error) {
    await removeTree(path);
    throw error;
  } finally {
    await folder.close();
  }
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
    else if (digestOf(await readFile(join(folder, path))) !== known)
      foreign.push(`${path} was changed since`);
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
    const marker = parseJson(await readFile(join(folder, MARKER), 'utf8')) as Partial<Marker>;
    return marker.format === 1 && typeof marker.files === 'object' ? (marker as Marker) : undefined;
  } catch {
    return undefined;
  }
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

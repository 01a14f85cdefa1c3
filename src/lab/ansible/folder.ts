/** The folder that a rendered lab lies in: replaced as a whole, and never where a person's work would be lost. */

import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { digestOf } from '../../digest.js';
import { UsageError } from '../../errors.js';
import { parseJson } from '../../json.js';

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
  const [fresh, old] = ['new', 'old'].map((what) => join(parent, `.${basename(folder)}.aoe-lab-${what}`)) as [
    string,
    string,
  ];
  if ((await filesIn(folder)) === undefined && (await filesIn(old)) !== undefined) await rename(old, folder);
  await refuseForeign(folder);
  await rm(fresh, { recursive: true, force: true });
  for (const [path, content] of files) {
    await mkdir(join(fresh, dirname(path)), { recursive: true });
    await writeFile(join(fresh, path), content);
  }
  const digests = Object.fromEntries([...files].map(([path, content]) => [path, digestOf(content)]));
  await writeFile(
    join(fresh, MARKER),
    `${JSON.stringify({ format: 1, files: digests } satisfies Marker, null, 2)}\n`,
  );
  if ((await filesIn(folder)) !== undefined) {
    await rm(old, { recursive: true, force: true });
    await rename(folder, old);
  }
  await rename(fresh, folder);
  await rm(old, { recursive: true, force: true });
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

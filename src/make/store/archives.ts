/** Archives in the store, `archives/<sha256>`: named by their content, hashed again whenever one is used. */
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOfFile } from '../../base/digest.js';
import { cacheFolder } from '../../base/files/paths.js';
import type { OnSourceEvent } from './events.js';
import { put } from './keep.js';

export function archivePath(sha256: string): string {
  return join(cacheFolder(), 'archives', sha256);
}

/** Moves a file of the store's `tmp` into place. Another process may have been first: the content is the same. */
export async function putArchive(file: string, sha256: string): Promise<string> {
  const path = archivePath(sha256);
  await put(file, path);
  return path;
}

/** The archive's path if it is there and still what its name says; a damaged one is removed. */
export async function getArchive(sha256: string, onEvent?: OnSourceEvent): Promise<string | undefined> {
  const path = archivePath(sha256);
  if ((await stat(path).catch(() => undefined)) === undefined) return undefined;
  const found = await digestOfFile(path);
  if (found === sha256) return path;
  await rm(path, { force: true });
  onEvent?.({ kind: 'discarded', path, reason: `its sha256 had become ${found}` });
  return undefined;
}

/** Files of a host, read so that one that can't be read is named and holds up no other. */
import { posix } from 'node:path';
import { LabError, UnreachableError } from '../../base/errors.js';
import type { Host } from '../../hosts/host/host.js';
import { type Found, nothingFound, type Remark } from './found.js';
import { badLine, decode } from './text.js';

/** Bytes; no configuration is larger. */
const LARGEST = 4 * 2 ** 20;

export type Kind = 'file' | 'folder' | 'other';

/** @returns undefined if there is nothing, or nothing that may be looked at (with a remark) */
export async function kindOf(host: Host, path: string, remarks: Remark[]): Promise<Kind | undefined> {
  try {
    const facts = await host.stat(path);
    if (facts === undefined) return undefined;
    return facts.kind === 'directory' ? 'folder' : facts.kind === 'file' ? 'file' : 'other';
  } catch (error) {
    remarks.push({ file: path, text: `it can't be looked at: ${reasonOf(error)}` });
    return undefined;
  }
}

/** @returns undefined, and a remark, if it can't be read */
export async function readText(host: Host, path: string, remarks: Remark[]): Promise<string | undefined> {
  const fail = (text: string): undefined =>
    void remarks.push({ file: path, text: `${text}: nothing of it is taken over` });
  try {
    const facts = await host.stat(path);
    if (facts === undefined)
      return fail(path.includes('\ufffd') ? 'its name is no UTF-8' : 'it leads to no file');
    if (facts.kind === 'directory') return fail('it is a folder');
    if (facts.kind !== 'file') return fail('it is no file');
    if (facts.size > LARGEST) return fail(`it has ${facts.size} bytes`);
    const bytes = await host.read(path);
    if (bytes.includes(0) && !path.startsWith('/proc/')) return fail('it is no text');
    const text = decode(bytes);
    const line = badLine(text);
    if (line !== undefined) remarks.push({ file: path, line, text: 'this is no UTF-8' });
    return text;
  } catch (error) {
    return fail(`it can't be read: ${reasonOf(error)}`);
  }
}

/** Names in a folder; none, and a remark, if it can't be read. */
export async function namesIn(host: Host, folder: string, remarks: Remark[]): Promise<string[]> {
  try {
    return await host.list(folder);
  } catch (error) {
    remarks.push({ file: folder, text: `it can't be read: ${reasonOf(error)}` });
    return [];
  }
}

/** Reads each of some files by the same parser. */
export async function readEach(
  host: Host,
  files: readonly string[],
  parse: (file: string, text: string) => Found,
): Promise<Found[]> {
  return Promise.all(
    files.map(async (file) => {
      const remarks: Remark[] = [];
      const text = await readText(host, file, remarks);
      const found = text === undefined ? nothingFound() : parse(file, text);
      return { ...found, remarks: [...remarks, ...found.remarks] };
    }),
  );
}

/** Names of a folder that a shell's `*` would find, as paths. */
export function within(folder: string, names: readonly string[], ending: string): string[] {
  return names
    .filter((name) => name.endsWith(ending) && !name.startsWith('.'))
    .map((name) => posix.join(folder, name));
}

const WORDS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  ELOOP: 'its links lead in a circle',
  ENOENT: 'it is gone',
  ENOTDIR: 'it is no folder',
  EISDIR: 'it is a folder',
  EIO: 'its disk reports an error',
};

/** @throws the error itself where the host is gone, or it is a fault of ours */
function reasonOf(error: unknown): string {
  if (error instanceof UnreachableError) throw error;
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === undefined && !(error instanceof LabError)) throw error;
  return (
    (code === undefined ? undefined : WORDS[code]) ??
    (error instanceof LabError ? error.facts.happened : message)
  );
}

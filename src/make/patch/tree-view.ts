import { lstatSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LabError } from '../../base/errors.js';

/** What one patch does to one file. Texts are bytes as Latin-1. */
export interface FileChange {
  path: string;
  change: 'changed' | 'created' | 'deleted';
  /** Numbers from 1, in the file as this patch finds it, of the lines that change or before which some are added. */
  lines: number[];
  /** For each hunk of a diff, how many lines below its expected place it stands. */
  offsets: number[];
  before: string;
  after: string;
}

/** What a patched tree holds in place of a file of the original: bytes as Latin-1, or nothing. */
export interface NewContent {
  text: string;
  executable?: boolean;
}

/** A source tree with changes laid over it in memory; the folder itself is never written. */
export class TreeView {
  readonly folder: string;
  /** By path in the tree; `undefined` is a deleted file. */
  readonly changes = new Map<string, NewContent | undefined>();

  constructor(folder: string) {
    this.folder = folder;
  }

  /**
   * Content of a file as Latin-1; undefined if there is none.
   * @throws LabError if the path leaves the tree, leads through a symbolic link, or is no regular file
   */
  async read(path: string): Promise<string | undefined> {
    const parts = checkedParts(path);
    if (this.changes.has(path)) return this.changes.get(path)?.text;
    let place = this.folder;
    for (const [index, part] of parts.entries()) {
      place = join(place, part);
      const facts = lstatSync(place, { throwIfNoEntry: false });
      if (facts === undefined) return undefined;
      const last = index === parts.length - 1;
      if (last ? facts.isFile() : facts.isDirectory()) continue;
      throw new LabError({
        tried: `reading ${path} of the source tree`,
        happened: facts.isSymbolicLink()
          ? `${parts.slice(0, index + 1).join('/')} is a symbolic link, and patches follow none`
          : last
            ? 'it is no regular file'
            : `${parts.slice(0, index + 1).join('/')} is no folder`,
      });
    }
    return readFile(place, 'latin1');
  }

  /** @throws LabError if the path leaves the tree */
  write(path: string, text: string, executable?: boolean): void {
    checkedParts(path);
    this.changes.set(path, executable === undefined ? { text } : { text, executable });
  }

  /** @throws LabError if the path leaves the tree */
  remove(path: string): void {
    checkedParts(path);
    this.changes.set(path, undefined);
  }

  /** Paths of all regular files, sorted. */
  async files(): Promise<string[]> {
    const found = new Set<string>();
    const walk = async (prefix: string): Promise<void> => {
      for (const entry of await readdir(join(this.folder, prefix), { withFileTypes: true })) {
        const path = prefix === '' ? entry.name : `${prefix}/${entry.name}`;
        if (entry.isDirectory()) await walk(path);
        else if (entry.isFile()) found.add(path);
      }
    };
    await walk('');
    for (const [path, content] of this.changes) {
      if (content === undefined) found.delete(path);
      else found.add(path);
    }
    return [...found].sort();
  }
}

function checkedParts(path: string): string[] {
  const parts = path.split('/');
  if (parts.some((part) => part === '' || part === '.' || part === '..') || path.includes('\0')) {
    throw new LabError({
      tried: 'patching a source tree',
      happened: `the path ${JSON.stringify(path)} leaves the tree or is not written plainly`,
      next: 'name files by their path inside the tree, without "." and ".."',
    });
  }
  return parts;
}

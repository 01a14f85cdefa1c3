/**
 * Writes the entries of an untrusted archive into an empty folder. Symbolic links are made last, when all files are
 * written, so nothing is ever written through one. Owners, set-id bits and all modes but "executable" are dropped.
 */
import { chmod, copyFile, mkdir, open, stat, symlink, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { Budget, LIMITS, type Limits } from '../store/limits.js';
import { VERSION_CONTROL } from '../store/tree-digest.js';
import { EntryError, linkFault, partsOf } from './entry.js';

export interface FileFacts {
  executable: boolean;
  /** Kept, because make compares times: a release tarball must not want its `configure` made again. */
  mtime?: Date | undefined;
}

export class TreeWriter {
  readonly #folder: string;
  readonly #limits: Limits;
  readonly #budget: Budget;
  readonly #kinds = new Map<string, 'folder' | 'file' | 'link'>();
  readonly #links = new Map<string, string>();
  #entries = 0;

  /**
   * @param folder there, and empty
   * @param packed size of the archive in bytes
   */
  constructor(folder: string, packed: number, limits: Limits = LIMITS) {
    this.#folder = folder;
    this.#limits = limits;
    this.#budget = new Budget(packed, limits);
  }

  async folder(name: string): Promise<void> {
    const parts = this.#enter(name);
    if (parts !== undefined) await this.#makeFolders(name, parts);
  }

  async file(name: string, facts: FileFacts, content: AsyncIterable<Uint8Array>): Promise<void> {
    const path = await this.#place(name, 'file');
    if (path === undefined) {
      for await (const chunk of content) this.#take(name, chunk.length);
      return;
    }
    const file = await open(path, 'wx', facts.executable ? 0o755 : 0o644);
    try {
      for await (const chunk of content) {
        this.#take(name, chunk.length);
        await file.writeFile(chunk);
      }
    } finally {
      await file.close();
    }
    await chmod(path, facts.executable ? 0o755 : 0o644);
    if (facts.mtime !== undefined && Number.isFinite(facts.mtime.getTime())) {
      await utimes(path, facts.mtime, facts.mtime);
    }
  }

  async link(name: string, target: string): Promise<void> {
    if (target === '' || target.includes('\0'))
      throw new EntryError(name, 'it is a link without a proper target');
    const path = await this.#place(name, 'link');
    if (path !== undefined) this.#links.set(partsOf(name).join('/'), target);
  }

  /** A hard link becomes a copy: a tree in the store shares no file with itself. */
  async hardLink(name: string, target: string): Promise<void> {
    let wanted: string;
    try {
      wanted = partsOf(target).join('/');
    } catch {
      throw new EntryError(name, `it is a hard link that leads out of the tree (${target})`);
    }
    if (this.#kinds.get(wanted) !== 'file') {
      throw new EntryError(name, `it is a hard link to ${target}, which is no file before it in the archive`);
    }
    const path = await this.#place(name, 'file');
    if (path === undefined) return;
    const source = join(this.#folder, wanted);
    const { size, mtime } = await stat(source);
    this.#take(name, size);
    await copyFile(source, path);
    await utimes(path, mtime, mtime);
  }

  /**
   * Checks and makes the symbolic links.
   * @throws EntryError for one that leads out of the tree
   */
  async finish(): Promise<void> {
    for (const path of this.#links.keys()) {
      const fault = linkFault(path, this.#links);
      if (fault !== undefined) throw new EntryError(path, fault);
    }
    for (const [path, target] of this.#links) await symlink(target, join(this.#folder, path));
  }

  /** Undefined for what is no part of a source: version control's own folders. */
  #enter(name: string): string[] | undefined {
    if (++this.#entries > this.#limits.entries) {
      throw new EntryError(name, `the archive has more than ${this.#limits.entries} entries`);
    }
    const parts = partsOf(name);
    return parts.some((part) => VERSION_CONTROL.includes(part)) ? undefined : parts;
  }

  async #place(name: string, kind: 'file' | 'link'): Promise<string | undefined> {
    const parts = this.#enter(name);
    if (parts === undefined) return undefined;
    if (parts.length === 0) throw new EntryError(name, 'it has no name');
    const path = parts.join('/');
    if (this.#kinds.has(path)) throw new EntryError(name, 'another entry has the same path');
    await this.#makeFolders(name, parts.slice(0, -1));
    this.#kinds.set(path, kind);
    return join(this.#folder, path);
  }

  async #makeFolders(name: string, parts: readonly string[]): Promise<void> {
    for (let length = 1; length <= parts.length; length++) {
      const path = parts.slice(0, length).join('/');
      const kind = this.#kinds.get(path);
      if (kind === 'folder') continue;
      if (kind !== undefined)
        throw new EntryError(name, `its path leads through ${path}, which is a ${kind}`);
      if (this.#kinds.size >= this.#limits.entries * 2)
        throw new EntryError(name, 'the archive has too many folders');
      await mkdir(join(this.#folder, path));
      this.#kinds.set(path, 'folder');
    }
  }

  #take(name: string, bytes: number): void {
    try {
      this.#budget.take(bytes);
    } catch (error) {
      throw new EntryError(name, (error as Error).message);
    }
  }
}

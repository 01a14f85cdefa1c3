import { join } from 'node:path';
import type { Control } from '../../make/recipe/schema.js';
import { formatAddress } from '../../wire/aoe/index.js';
import { Backing, type BackingFile } from './backing.js';
import type { SubjectExport } from './subject.js';

export const MAIN: SubjectExport = { address: { shelf: 7, slot: 3 }, sectors: 4096 };
export const READ_ONLY: SubjectExport = { address: { shelf: 7, slot: 4 }, sectors: 1024 };
/** 192 GiB and some sectors, sparse. */
export const BIG: SubjectExport = { address: { shelf: 9, slot: 3 }, sectors: 192 * 2 ** 21 + 24 };

/** The backing files of a subject's exports; those that there can't be are missing. */
export class SubjectFiles {
  readonly #files: ReadonlyMap<SubjectExport, BackingFile>;

  private constructor(files: ReadonlyMap<SubjectExport, BackingFile>) {
    this.#files = files;
  }

  /**
   * @param folder that they are made in
   * @param makeFile makes one: filled with `content`, or sparse
   */
  static async make(
    folder: string,
    { options }: Pick<Control, 'options'>,
    makeFile: (path: string, sectors: number, filled: boolean) => Promise<BackingFile> = Backing.make,
  ): Promise<SubjectFiles> {
    const files = new Map<SubjectExport, BackingFile>();
    for (const of of [MAIN, ...(options.readOnly === undefined ? [] : [READ_ONLY]), BIG]) {
      const sparse = of === BIG;
      const path = join(folder, formatAddress(of.address));
      const backing = await makeFile(path, of.sectors, !sparse).catch((error: Error) => {
        // Not every file system takes one of that size.
        if (sparse) return undefined;
        throw error;
      });
      if (backing !== undefined) files.set(of, backing);
    }
    return new SubjectFiles(files);
  }

  has(of: SubjectExport): boolean {
    return this.#files.has(of);
  }

  of(of: SubjectExport): BackingFile {
    const backing = this.#files.get(of);
    if (backing === undefined) throw new TypeError(`${formatAddress(of.address)} was not exported`);
    return backing;
  }

  get paths(): string[] {
    return [...this.#files.values()].map(({ path }) => path);
  }

  async close(): Promise<void> {
    for (const backing of this.#files.values()) await backing.close();
  }
}

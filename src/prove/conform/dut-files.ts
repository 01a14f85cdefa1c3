import { join } from 'node:path';
import type { Control } from '../../make/recipe/schema.js';
import { formatAddress } from '../../wire/aoe/index.js';
import { Backing, type BackingFile } from './backing.js';
import type { DutExport } from './dut.js';

export const MAIN: DutExport = { address: { shelf: 7, slot: 3 }, sectors: 4096 };
export const READ_ONLY: DutExport = { address: { shelf: 7, slot: 4 }, sectors: 1024 };
/** 192 GiB and some sectors, sparse. */
export const BIG: DutExport = { address: { shelf: 9, slot: 3 }, sectors: 192 * 2 ** 21 + 24 };

/** The backing files of the DUT's exports; one that can't be made here is missing. */
export class DutFiles {
  readonly #files: ReadonlyMap<DutExport, BackingFile>;

  private constructor(files: ReadonlyMap<DutExport, BackingFile>) {
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
  ): Promise<DutFiles> {
    const files = new Map<DutExport, BackingFile>();
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
    return new DutFiles(files);
  }

  has(of: DutExport): boolean {
    return this.#files.has(of);
  }

  of(of: DutExport): BackingFile {
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

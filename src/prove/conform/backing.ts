import { type FileHandle, open } from 'node:fs/promises';
import { SECTOR } from '../../wire/aoe/index.js';
import { content } from './content.js';

/** A backing file, looked at and written beside the target. */
export interface BackingFile {
  /** As the target opens it. */
  readonly path: string;
  /** Sectors of 512 bytes; fewer at its end. */
  read(lba: number, count: number): Promise<Buffer>;
  write(lba: number, data: Buffer): Promise<void>;
  /** Bytes. */
  size(): Promise<number>;
  /** Gives the file its known content and size again; writes only if they changed. */
  reset(): Promise<void>;
  close(): Promise<void>;
}

/** One on this machine. */
export class Backing implements BackingFile {
  readonly path: string;
  readonly #file: FileHandle;
  readonly #sectors: number;
  readonly #known: Buffer | undefined;
  /** Memory for what the file holds, as it is looked at after each case. */
  readonly #seen: Buffer;

  private constructor(path: string, file: FileHandle, sectors: number, known: Buffer | undefined) {
    this.path = path;
    this.#file = file;
    this.#sectors = sectors;
    this.#known = known;
    this.#seen = Buffer.alloc(known?.length ?? 0);
  }

  /** Makes the file: filled with `content`, or sparse. */
  static async make(path: string, sectors: number, filled: boolean): Promise<Backing> {
    const file = await open(path, 'w+', 0o600);
    const known = filled ? content(0, sectors) : undefined;
    try {
      await file.truncate(sectors * SECTOR);
      if (known) await file.write(known, 0, known.length, 0);
    } catch (error) {
      await file.close();
      throw error;
    }
    return new Backing(path, file, sectors, known);
  }

  async read(lba: number, count: number): Promise<Buffer> {
    const bytes = Buffer.alloc(count * SECTOR);
    const { bytesRead } = await this.#file.read(bytes, 0, bytes.length, lba * SECTOR);
    return bytes.subarray(0, bytesRead);
  }

  async write(lba: number, data: Buffer): Promise<void> {
    await this.#file.write(data, 0, data.length, lba * SECTOR);
  }

  async size(): Promise<number> {
    return (await this.#file.stat()).size;
  }

  async reset(): Promise<void> {
    const size = this.#sectors * SECTOR;
    if ((await this.size()) !== size) await this.#file.truncate(size);
    const known = this.#known;
    if (known === undefined) return;
    await this.#file.read(this.#seen, 0, this.#seen.length, 0);
    if (!this.#seen.equals(known)) await this.#file.write(known, 0, known.length, 0);
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

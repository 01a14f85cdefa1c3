import { SECTOR } from '../aoe/index.js';
import type { IoFault } from './reaction.js';

/** Where a target's sectors are. Sectors are counted from the export's first one. */
export interface Backing {
  /** Looks how many sectors it has now. @throws BackingError */
  measure(): Promise<number>;
  /** @throws BackingError */
  read(sector: number, count: number): Promise<Buffer>;
  /** @param data whole sectors, not to be changed until it is done @throws BackingError */
  write(sector: number, data: Buffer): Promise<void>;
  /** Brings what was written to the medium (fdatasync). @throws BackingError */
  flush(): Promise<void>;
  close(): Promise<void>;
}

/** An operation of a backing store that failed. */
export class BackingError extends Error {
  readonly fault: IoFault;
  /** The system's name of the error, such as EIO; undefined where the store found it itself. */
  readonly code: string | undefined;

  constructor(fault: IoFault, message: string, code?: string) {
    super(message);
    this.fault = fault;
    this.code = code;
  }
}

/** A store in memory, for tests and for targets that need to keep nothing. */
export class MemoryBacking implements Backing {
  bytes: Buffer;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  async measure(): Promise<number> {
    return Math.floor(this.bytes.length / SECTOR);
  }

  async read(sector: number, count: number): Promise<Buffer> {
    this.#check(sector, count);
    return Buffer.from(this.bytes.subarray(sector * SECTOR, (sector + count) * SECTOR));
  }

  async write(sector: number, data: Buffer): Promise<void> {
    this.#check(sector, data.length / SECTOR);
    this.bytes.set(data, sector * SECTOR);
  }

  async flush(): Promise<void> {}

  async close(): Promise<void> {}

  #check(sector: number, count: number): void {
    if ((sector + count) * SECTOR > this.bytes.length)
      throw new BackingError('beyond', 'it ends before that');
  }
}

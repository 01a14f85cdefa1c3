import { constants, readFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { SECTOR } from '../aoe/index.js';
import { LabError } from '../errors.js';
import { allocate } from '../link/frame-memory.js';
import { type Libc, libc } from '../link/libc.js';
import { type Backing, BackingError } from './backing.js';
import type { IoFault } from './reaction.js';

export interface FileBackingOptions {
  path: string;
  readOnly?: boolean | undefined;
  /** Pass by the page cache (O_DIRECT). */
  directIo?: boolean | undefined;
  /** Every write reaches the medium before it is answered (O_DSYNC). */
  sync?: boolean | undefined;
  /** First sector of the file that is the export's sector 0; default 0. */
  offset?: number | undefined;
  /** Most sectors of the export; as many as there are otherwise. */
  length?: number | undefined;
  /** Requests under way at the medium; what the buffer count allows otherwise. */
  queueLength?: number | undefined;
}

/** What direct I/O is aligned to, in memory and in the file: as much as any common device wants (open(2), O_DIRECT). */
const BLOCK = 4096;

/** A file or block device. */
export class FileBacking implements Backing {
  readonly path: string;
  /** First sector of the file. */
  readonly offset: number;
  readonly length: number | undefined;
  readonly sync: boolean;
  readonly queueLength: number | undefined;
  /** Serves every request, aligned or not. */
  readonly handle: FileHandle;
  /** With O_DIRECT: only for what is aligned; undefined where page cache is to be used. */
  readonly direct: FileHandle | undefined;

  /** Needed for direct I/O only. */
  readonly #libc: Libc | undefined;

  private constructor(
    options: FileBackingOptions,
    handle: FileHandle,
    direct: FileHandle | undefined,
    libc: Libc | undefined,
  ) {
    this.path = options.path;
    this.offset = options.offset ?? 0;
    this.length = options.length;
    this.sync = options.sync ?? false;
    this.queueLength = options.queueLength;
    this.handle = handle;
    this.direct = direct;
    this.#libc = libc;
  }

  /** @throws LabError if it can't be opened · MissingError if direct I/O is asked for where there is none */
  static async open(options: FileBackingOptions): Promise<FileBacking> {
    const { path, readOnly, directIo, sync } = options;
    const flags = (readOnly ? constants.O_RDONLY : constants.O_RDWR) | (sync ? constants.O_DSYNC : 0);
    const c = directIo ? await libc() : undefined;
    const handle = await openFile(path, flags);
    try {
      const direct = directIo ? await openFile(path, flags | (constants.O_DIRECT ?? 0)) : undefined;
      const backing = new FileBacking(options, handle, direct, c);
      await backing.measure();
      return backing;
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  async measure(): Promise<number> {
    const there = Math.floor((await sizeOf(this.handle)) / SECTOR) - this.offset;
    return Math.max(0, Math.min(there, this.length ?? there));
  }

  async read(sector: number, count: number): Promise<Buffer> {
    const start = (this.offset + sector) * SECTOR;
    const end = start + count * SECTOR;
    // Direct I/O takes whole blocks: what lies around the sectors is read with them.
    const from = this.direct === undefined ? start : start - (start % BLOCK);
    const to = this.direct === undefined ? end : Math.ceil(end / BLOCK) * BLOCK;
    const data = this.#memory(to - from);
    let done = 0;
    while (from + done < end) {
      const reading = (this.direct ?? this.handle).read(data, done, data.length - done, from + done);
      const { bytesRead } = await attempt(reading, 'media');
      done += bytesRead;
      // Direct I/O that stops within a block has met the end.
      const isAtEnd = bytesRead === 0 || (this.direct !== undefined && bytesRead % BLOCK !== 0);
      if (isAtEnd && from + done < end) throw new BackingError('beyond', `${this.path} ends before that`);
    }
    return data.subarray(start - from, end - from);
  }

  async write(sector: number, data: Buffer): Promise<void> {
    const position = (this.offset + sector) * SECTOR;
    if (this.direct !== undefined) {
      const aligned = this.#memory(data.length);
      data.copy(aligned);
      try {
        return await writeAll(this.direct, aligned, position);
      } catch (error) {
        // Less than a block of the device: the kernel joins it with the rest of the block in the page cache.
        if ((error as NodeJS.ErrnoException).code !== 'EINVAL') throw asBackingError(error, 'refused');
      }
    }
    await attempt(writeAll(this.handle, data, position), 'refused');
  }

  async flush(): Promise<void> {
    await attempt(this.handle.datasync(), 'refused');
  }

  #memory(length: number): Buffer {
    return this.#libc === undefined ? Buffer.allocUnsafe(length) : allocate(this.#libc, length).bytes;
  }

  async close(): Promise<void> {
    await this.direct?.close();
    await this.handle.close();
  }
}

async function openFile(path: string, flags: number): Promise<FileHandle> {
  try {
    return await open(path, flags);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const direct = (flags & (constants.O_DIRECT ?? 0)) !== 0;
    throw new LabError({
      tried: `opening ${path}`,
      happened: message,
      ...(direct && code === 'EINVAL'
        ? { next: 'leave direct I/O out: the file system it lies on has none' }
        : {}),
      cause,
    });
  }
}

/** Bytes of a file, or of a block device as sysfs tells them. */
async function sizeOf(handle: FileHandle): Promise<number> {
  const facts = await handle.stat();
  if (!facts.isBlockDevice()) return facts.size;
  const major = ((facts.rdev >>> 8) & 0xfff) | 0;
  const minor = (facts.rdev & 0xff) | ((facts.rdev >>> 12) & 0xfff00);
  // In units of 512 bytes, whatever the device's own sectors are.
  return Number(readFileSync(`/sys/dev/block/${major}:${minor}/size`, 'utf8')) * SECTOR;
}

/** What an errno means to an initiator. */
export function faultOf(code: string | undefined, otherwise: IoFault): IoFault {
  return code === 'EIO' || code === 'EREMOTEIO' || code === 'ENODATA' || code === 'EILSEQ'
    ? 'media'
    : otherwise;
}

async function attempt<T>(operation: Promise<T>, otherwise: IoFault): Promise<T> {
  try {
    return await operation;
  } catch (error) {
    throw asBackingError(error, otherwise);
  }
}

function asBackingError(error: unknown, otherwise: IoFault): BackingError {
  const { code, message } = error as NodeJS.ErrnoException;
  // A failed write is aborted, also by a failing medium: only reads know "uncorrectable".
  return new BackingError(otherwise === 'refused' ? 'refused' : faultOf(code, otherwise), message);
}

async function writeAll(handle: FileHandle, data: Buffer, position: number): Promise<void> {
  for (let done = 0; done < data.length; ) {
    const { bytesWritten } = await handle.write(data, done, data.length - done, position + done);
    done += bytesWritten;
  }
}

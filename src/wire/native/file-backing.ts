import { constants, readFileSync } from 'node:fs';
import { type FileHandle, open, statfs } from 'node:fs/promises';
import { LabError } from '../../base/errors.js';
import { openTrusted } from '../../base/files/open-trusted.js';
import { deviceNumber } from '../../base/identity.js';
import { type Libc, libc } from '../../base/libc/libc.js';
import { SECTOR } from '../aoe/index.js';
import { allocate } from '../link/frame-memory.js';
import { type Backing, BackingError } from './backing.js';
import { directIoAlignment } from './direct-io.js';
import { filesystemName, isRemote } from './filesystems.js';
import type { IoFault } from './reaction.js';
import { SharedLook } from './shared-look.js';
import { type Turns, turnsAt, turnsOfExport } from './turns.js';

export interface FileBackingOptions {
  path: string;
  readOnly?: boolean | undefined;
  /** Pass by the page cache (O_DIRECT). */
  directIo?: boolean | undefined;
  /** Every write reaches the medium before it is answered (O_DSYNC). */
  sync?: boolean | undefined;
  /** First sector of the file that is the export's sector 0; default 0. */
  offset?: number | undefined;
  /** Most sectors of the export. Default: as many as there are. */
  length?: number | undefined;
  /** `any`: links in folders that somebody else may write to are followed as well. */
  links?: 'any' | undefined;
  /** Requests under way at the medium. Default: what the buffer count allows. */
  queueLength?: number | undefined;
}

/** What direct I/O is aligned to at least, in memory and in the file: as much as any common device wants (open(2), O_DIRECT). */
const BLOCK = 4096;

/** What was found out when a file or device was opened. */
interface Opened {
  handle: FileHandle;
  direct: FileHandle | undefined;
  /** Number of the device, or of the file system's. */
  device: number;
  isRemote: boolean;
  /** See `FileBacking.what`. */
  what: string;
}

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
  /** What is open, whatever its name: `DEV:INODE` of a file, `MAJOR:MINOR` of a device. */
  readonly what: string;
  /** With O_DIRECT: only for what is aligned; undefined where page cache is to be used. */
  readonly direct: FileHandle | undefined;
  /** It lies behind a network or another process: what asks for it may wait without end. */
  readonly isRemote: boolean;

  /** Needed for direct I/O only. */
  readonly #libc: Libc | undefined;
  readonly #diskTurns: Turns;
  readonly #turns = turnsOfExport();
  readonly #size = new SharedLook(() => this.#inTurn(() => this.#measure()));

  private constructor(options: FileBackingOptions, opened: Opened, libc: Libc | undefined) {
    this.path = options.path;
    this.offset = options.offset ?? 0;
    this.length = options.length;
    this.sync = options.sync ?? false;
    this.queueLength = options.queueLength;
    this.handle = opened.handle;
    this.direct = opened.direct;
    this.isRemote = opened.isRemote;
    this.what = opened.what;
    this.#libc = libc;
    this.#diskTurns = turnsAt(opened.device);
  }

  /** @throws LabError if it can't be opened, or direct I/O is asked for where there is none */
  static async open(options: FileBackingOptions): Promise<FileBacking> {
    const { path, readOnly, directIo, sync } = options;
    const flags = (readOnly ? constants.O_RDONLY : constants.O_RDWR) | (sync ? constants.O_DSYNC : 0);
    const c = directIo ? await libc() : undefined;
    const handle = await openFile(path, flags, options.links === 'any');
    let direct: FileHandle | undefined;
    try {
      if (directIo) direct = await openDirect(handle, path, flags);
      const facts = await handle.stat({ bigint: true });
      const isDevice = facts.isBlockDevice();
      const remote = !isDevice && isRemote((await statfs(linkTo(handle))).type);
      const number = isDevice ? facts.rdev : facts.dev;
      const what = isDevice ? deviceNumber(number) : `${deviceNumber(number)}:${facts.ino}`;
      const opened = { handle, direct, device: Number(number), isRemote: remote, what };
      const backing = new FileBacking(options, opened, c);
      await backing.measure();
      return backing;
    } catch (error) {
      await direct?.close();
      await handle.close();
      throw error;
    }
  }

  measure(): Promise<number> {
    return this.#size.ask();
  }

  async #measure(): Promise<number> {
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
      const read = () => (this.direct ?? this.handle).read(data, done, data.length - done, from + done);
      const { bytesRead } = await attempt(this.#inTurn(read), 'media');
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
        return await this.#writeAll(this.direct, aligned, position);
      } catch (error) {
        // Less than a block of the device: the kernel joins it with the rest of the block in the page cache.
        if ((error as NodeJS.ErrnoException).code !== 'EINVAL') throw asBackingError(error, 'refused');
      }
    }
    await attempt(this.#writeAll(this.handle, data, position), 'refused');
  }

  async flush(): Promise<void> {
    await attempt(
      this.#inTurn(() => this.handle.datasync()),
      'refused',
    );
  }

  /** Has its turn of the export, and then that of the disk. */
  #inTurn<T>(operation: () => Promise<T>): Promise<T> {
    return this.#turns.run(() => this.#diskTurns.run(operation));
  }

  #writeAll(handle: FileHandle, data: Buffer, position: number): Promise<void> {
    return this.#inTurn(() => writeAll(handle, data, position));
  }

  #memory(length: number): Buffer {
    return this.#libc === undefined ? Buffer.allocUnsafe(length) : allocate(this.#libc, length).bytes;
  }

  async close(): Promise<void> {
    await this.#inTurn(async () => {
      await this.direct?.close();
      await this.handle.close();
    });
  }
}

/** The same file once more, by direct I/O. @throws LabError where there is none */
async function openDirect(handle: FileHandle, path: string, flags: number): Promise<FileHandle> {
  const alignment = (await directIoAlignment(linkTo(handle))) ?? BLOCK;
  if (alignment > BLOCK) {
    throw new LabError({
      tried: `opening ${path} for direct I/O`,
      happened: `its sectors are ${alignment} bytes, and at most ${BLOCK} can be served`,
      next: 'leave direct I/O out',
    });
  }
  try {
    return await open(linkTo(handle), flags | (constants.O_DIRECT ?? 0));
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const name = code === 'EINVAL' ? filesystemName((await statfs(linkTo(handle))).type) : undefined;
    throw new LabError({
      tried: `opening ${path} for direct I/O`,
      happened: name === undefined ? message : `${name} takes no direct I/O`,
      next: 'leave direct I/O out (--direct-io, directIo)',
      cause,
    });
  }
}

/** A name of the very file that is open, whatever its own name means by now. */
function linkTo(handle: FileHandle): string {
  return `/proc/self/fd/${handle.fd}`;
}

async function openFile(path: string, flags: number, anyLinks: boolean): Promise<FileHandle> {
  try {
    return anyLinks ? await open(path, flags) : await openTrusted(path, flags);
  } catch (cause) {
    if (cause instanceof LabError) throw cause;
    const { message } = cause as Error;
    throw new LabError({ tried: `opening ${path}`, happened: message, cause });
  }
}

/** Bytes of a file, or of a block device as sysfs tells them. */
async function sizeOf(handle: FileHandle): Promise<number> {
  const facts = await handle.stat();
  if (!facts.isBlockDevice()) return facts.size;
  // In units of 512 bytes, whatever the device's own sectors are.
  return Number(readFileSync(`/sys/dev/block/${deviceNumber(BigInt(facts.rdev))}/size`, 'utf8')) * SECTOR;
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
  const fault = otherwise === 'refused' ? 'refused' : faultOf(code, otherwise);
  return new BackingError(fault, message, code);
}

async function writeAll(handle: FileHandle, data: Buffer, position: number): Promise<void> {
  for (let done = 0; done < data.length; ) {
    const { bytesWritten } = await handle.write(data, done, data.length - done, position + done);
    done += bytesWritten;
  }
}

/** Files by SFTP, version 3 (draft-ietf-secsh-filexfer-02), with many requests under way at once. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, SFTPWrapper } from 'ssh2';

/** Bytes of a request; each server takes that much (OpenSSH's up to 255 KiB). */
export const PIECE = 128 * 1024;
/** Requests under way: twice what the window of a channel holds (2 MiB, here and in OpenSSH). */
const MOST = 32;
/** Section 7. OpenSSH's server says FAILURE, 4, of all that has no status of its own, such as a full disk. */
export const NO_SUCH_FILE = 2;
const NO_CONNECTION = 6;

/** What a server refused, by the status that it gave. */
export class SftpRefusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** What to say of a step during which the connection was lost. */
type ExplainLoss = (tried: string) => Promise<Error>;

/** Milliseconds for a server to say its version: what speaks no SFTP may never say anything. */
const GREETING = 10_000;

/** @returns undefined where the host does not offer it: no subsystem, another program in its place, no room for a channel */
export async function openSftp(client: Client, explainLoss: ExplainLoss): Promise<Sftp | undefined> {
  let isLate = false;
  const opened = new Promise<SFTPWrapper | undefined>((resolve) => {
    client.sftp((error, wrapper) => {
      if (error === undefined && isLate) wrapper.end();
      resolve(error === undefined ? wrapper : undefined);
    });
  });
  const silence = sleep(GREETING, undefined, { ref: false }).then(() => {
    isLate = true;
  });
  const wrapper = await Promise.race([opened, silence]);
  return wrapper ? new Sftp(wrapper, explainLoss) : undefined;
}

type Done<T> = (error: Error | undefined | null, value?: T) => void;

/** A server of files on a channel that stays, with the rights of the user who logs in. */
export class Sftp {
  readonly #wrapper: SFTPWrapper;
  readonly #explainLoss: ExplainLoss;
  #isOpen = true;
  #isRetired = false;
  /** Files under way. */
  #busy = 0;

  constructor(wrapper: SFTPWrapper, explainLoss: ExplainLoss) {
    this.#wrapper = wrapper;
    this.#explainLoss = explainLoss;
    const end = (): void => {
      this.#isOpen = false;
    };
    for (const event of ['error', 'end', 'close']) wrapper.on(event, end);
  }

  get isUsable(): boolean {
    return this.#isOpen && !this.#isRetired;
  }

  /** No more files go this way; those under way do. */
  retire(): void {
    this.#isRetired = true;
  }

  /** Ends it unless it is in use: its channel may be the one that a command lacks. */
  makeRoom(): void {
    if (this.#busy > 0) return;
    this.#isOpen = false;
    this.#wrapper.end();
  }

  /**
   * Writes a new file, of mode 0600.
   * @param data pieces of at most PIECE bytes
   * @throws ConnectionLostError · SftpRefusal
   */
  async write(path: string, data: AsyncIterable<Buffer>): Promise<void> {
    const handle = await this.#open(path, 'wx');
    const underWay: Promise<unknown>[] = [];
    let at = 0;
    try {
      for await (const piece of data) {
        if (underWay.length === MOST) await underWay.shift();
        const position = at;
        const write = (done: Done<void>): void =>
          this.#wrapper.write(handle, piece, 0, piece.length, position, done);
        underWay.push(this.#ask(path, write));
        at += piece.length;
      }
    } finally {
      // Requests on a file are carried out in order: it need not wait for those before.
      underWay.push(this.#close(path, handle));
    }
    await Promise.all(underWay);
  }

  /**
   * Reads a file to its end.
   * @param size bytes it is taken to have; it may turn out to have more or less
   * @throws as `write`
   */
  async *read(path: string, size: number): AsyncGenerator<Buffer> {
    const handle = await this.#open(path, 'r');
    const underWay: { length: number; piece: Promise<Buffer> }[] = [];
    let at = 0;
    try {
      for (;;) {
        // The one that begins at the size finds the end, or that there is more.
        while (underWay.length === 0 || (underWay.length < MOST && at <= size)) {
          const length = at < size ? Math.min(PIECE, size - at) : PIECE;
          underWay.push({ length, piece: this.#piece(path, handle, at, length) });
          at += length;
        }
        const { length, piece } = underWay.shift() as (typeof underWay)[0];
        const bytes = await piece;
        if (bytes.length > 0) yield bytes;
        if (bytes.length < length) return;
      }
    } finally {
      this.#close(path, handle);
    }
  }

  #piece(path: string, handle: Buffer, at: number, length: number): Promise<Buffer> {
    const piece = this.#fill(path, handle, at, length);
    piece.catch(() => {});
    return piece;
  }

  /** Less than `length` at the end of the file only: a server may give less at a time. */
  async #fill(path: string, handle: Buffer, at: number, length: number): Promise<Buffer> {
    const piece = Buffer.allocUnsafe(length);
    for (let filled = 0; ; ) {
      const from = filled;
      const count = await this.#ask<number>(path, (done) =>
        this.#wrapper.read(handle, piece, from, length - from, at + from, done),
      );
      filled += count;
      if (count === 0 || filled === length) return piece.subarray(0, filled);
    }
  }

  async #open(path: string, flags: 'r' | 'wx'): Promise<Buffer> {
    if (!this.#isOpen) throw new SftpRefusal(NO_CONNECTION, 'the channel has been given up');
    this.#busy += 1;
    const opened = this.#ask<Buffer>(path, (done) => this.#wrapper.open(path, flags, { mode: 0o600 }, done));
    opened.catch(() => {
      this.#busy -= 1;
    });
    return opened;
  }

  #close(path: string, handle: Buffer): Promise<unknown> {
    const closed = this.#ask<void>(path, (done) => this.#wrapper.close(handle, done));
    const end = (): void => {
      this.#busy -= 1;
    };
    closed.then(end, end);
    return closed;
  }

  /** One request; a failure that nobody waits for any more is no unhandled one. */
  #ask<T>(path: string, request: (done: Done<T>) => void): Promise<T> {
    const asked = new Promise<T>((resolve, reject) => {
      // What is asked on a channel that has ended is never answered.
      if (!this.#isOpen) return reject(new Error('the channel has ended'));
      request((error, value) => (error ? reject(error) : resolve(value as T)));
    }).catch(async ({ code, message }) => {
      if (typeof code === 'number') throw new SftpRefusal(code, message);
      this.#isOpen = false;
      throw await this.#explainLoss(`copying ${path}`);
    });
    asked.catch(() => {});
    return asked;
  }
}

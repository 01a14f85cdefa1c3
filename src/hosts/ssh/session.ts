/**
 * A command on a channel, from the moment it really begins. What sshd runs is the user's login shell, of whatever kind, with
 * its start-up files: they may print, read standard input or become another program. So the command begins by saying a mark,
 * nothing is sent to it before, and what came before the mark is left out.
 */
import { randomBytes } from 'node:crypto';
import { type Readable, Transform, type TransformCallback, type Writable } from 'node:stream';
import type { ClientChannel } from 'ssh2';

export interface Ending {
  /** Neither: the channel was torn off. */
  exitCode?: number | undefined;
  /** As `SIGTERM`. */
  signalName?: string | undefined;
}

export interface Session {
  stdin: Writable;
  stdout: Readable;
  stderr: Readable;
  ended: Promise<Ending>;
  /** Closes the channel: what runs is not waited for. */
  close(): void;
}

/** Bytes that start-up files may print; of them, those that are shown where nothing begins. */
const LONGEST = 1 << 20;
const SHOWN = 2000;
const LINE_END = 0x0a;
/** Milliseconds for start-up files. */
const START_UP = 60_000;

type Printed = Pick<NotBegun, 'printed' | 'lines'>;

/** Why a command never began. */
export class NotBegun extends Error {
  /** The end of what start-up files printed. */
  readonly printed: string;
  /** Of all that they printed. */
  readonly lines: number;
  readonly ending: Ending;

  constructor(happened: string, { printed, lines }: Printed, ending: Ending = {}) {
    super(happened);
    this.printed = printed;
    this.lines = lines;
    this.ending = ending;
  }
}

/** Characters that stand for themselves within single quotes in every shell, and for printf(1). */
const PLAIN = /[A-Za-z0-9 _/.:=,@+-]/;

/**
 * A line of a POSIX shell as one that any login shell takes (sh, csh with its history, fish with its backslashes): all
 * other bytes as the octal numbers of printf's `%b` (POSIX.1-2017, XCU printf).
 * @param mark printed on both streams before it is run
 */
export function anyShellLine(line: string, mark: string): string {
  const all = `echo ${mark}; echo ${mark} >&2; ${line}`;
  const word = [...Buffer.from(all)]
    .map((byte) => {
      const character = String.fromCharCode(byte);
      return PLAIN.test(character) ? character : `\\0${byte.toString(8).padStart(3, '0')}`;
    })
    .join('');
  return `exec /bin/sh -c 'eval "$(printf %b "$1")"' sh '${word}'`;
}

export const newMark = (): string => randomBytes(16).toString('hex');

/** The channel as it is, from its first byte on. To be called before anything else has happened. */
export function rawSession(channel: ClientChannel): Session {
  channel.on('error', () => {});
  const ended = new Promise<Ending>((resolve) => {
    const ending: Ending = {};
    channel.on('exit', (code: number | null, name?: string) => {
      ending.exitCode = code ?? undefined;
      ending.signalName = name === undefined ? undefined : `SIG${name.replace(/^SIG/, '')}`;
    });
    channel.on('close', () => resolve(ending));
  });
  const { stderr } = channel;
  return { stdin: channel, stdout: channel, stderr, ended, close: () => channel.close() };
}

/**
 * Waits until a command of `anyShellLine` begins.
 * @throws NotBegun if it does not
 */
export async function beginSession(
  channel: ClientChannel,
  mark: string,
  signal: AbortSignal | undefined,
): Promise<Session> {
  const raw = rawSession(channel);
  const stdout = raw.stdout.pipe(new Prelude(mark));
  const stderr = raw.stderr.pipe(new Prelude(mark));
  const printed = (): Printed => printedBy(stderr, stdout);
  void raw.ended.then(() => {
    // A connection that is lost ends them no other way.
    for (const stream of [stdout, stderr]) if (!stream.writableEnded) stream.end();
  });
  let timer: NodeJS.Timeout | undefined;
  let onAbort = (): void => {};
  try {
    await Promise.race([
      Promise.all([stdout.begun, stderr.begun]),
      raw.ended.then(async (ending) => {
        // What it said may come a moment later than its end.
        await Promise.race([
          Promise.all([stdout.begun, stderr.begun]),
          new Promise((_, reject) => {
            setTimeout(() => reject(new NotBegun('it ended', printed(), ending)), 100);
          }),
        ]);
      }),
      new Promise<never>((_, reject) => {
        timer = setTimeout(
          () => reject(new NotBegun(`it did not come to our command within ${START_UP / 1000} s`, printed())),
          START_UP,
        );
        onAbort = () => reject(signal?.reason);
        signal?.addEventListener('abort', onAbort, { once: true });
      }),
    ]);
  } catch (error) {
    raw.stdout.resume();
    raw.stderr.resume();
    channel.close();
    throw error;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
  return { ...raw, stdout, stderr };
}

function printedBy(...streams: readonly Prelude[]): Printed {
  const ends = streams.map(({ skipped }) => skipped.trim()).filter((end) => end !== '');
  return {
    printed: ends.join('\n').slice(-SHOWN),
    lines: streams.reduce((sum, { lines }) => sum + lines, 0),
  };
}

/** Leaves out what comes before a line that is the mark. */
class Prelude extends Transform {
  readonly begun: Promise<void>;
  readonly #mark: string;
  #begin: () => void = () => {};
  #fail: (error: Error) => void = () => {};
  #isBegun = false;
  #before: Buffer = Buffer.alloc(0);
  #length = 0;
  #ends = 0;

  constructor(mark: string) {
    super({ highWaterMark: 1 << 18 });
    this.#mark = `${mark}\n`;
    this.begun = new Promise((resolve, reject) => {
      this.#begin = resolve;
      this.#fail = reject;
    });
    this.begun.catch(() => {});
  }

  /** The end of what was left out. */
  get skipped(): string {
    return this.#before.toString();
  }

  /** Of what was left out; a last one without its end counts. */
  get lines(): number {
    return this.#ends + (this.#before.length > 0 && this.#before.at(-1) !== LINE_END ? 1 : 0);
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    if (this.#isBegun) {
      done(null, chunk);
      return;
    }
    const all = Buffer.concat([this.#before, chunk]);
    const at = all.indexOf(this.#mark);
    if (at >= 0) {
      this.#isBegun = true;
      this.#before = Buffer.alloc(0);
      this.#begin();
      done(null, all.subarray(at + this.#mark.length));
      return;
    }
    this.#length += chunk.length;
    this.#before = all.subarray(-SHOWN);
    for (let at = chunk.indexOf(LINE_END); at >= 0; at = chunk.indexOf(LINE_END, at + 1)) this.#ends += 1;
    if (this.#length > LONGEST) {
      this.#fail(new NotBegun(`it printed more than ${LONGEST >> 20} MiB`, printedBy(this)));
    }
    done();
  }
}

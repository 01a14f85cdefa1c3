/**
 * Shells that stay on the far side and run short commands one after another. A channel of its own costs a command a
 * process of sshd, a login shell and several round trips; here it costs one fork.
 */
import { isUtf8 } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { constants } from 'node:os';
import { finished } from 'node:stream/promises';
import type { Budget } from '../host/budget.js';
import { quote } from '../host/quote.js';
import { CHANNELS } from './channels.js';
import type { Session } from './session.js';

/** How a command on the far side ended; neither exit code nor signal: its channel was torn off. */
export interface Ended {
  exitCode?: number | undefined;
  signalName?: string | undefined;
  stdout: Buffer;
  stderr: Buffer;
}

/** A command under way on the far side. */
export interface Talk {
  ended: Promise<Ended>;
  /** Closes its channel: a killed command is not waited for. */
  abandon(): void;
}

/** Bytes of standard input that go as a word of the shell's. */
const LONGEST_INPUT = 64 * 1024;
/** What shells add to the number of the signal that ended a command (POSIX.1-2017, XCU 2.8.2). */
const SIGNALLED = 128;

/** Input as a word for a shell; undefined if it can't be one: too long, no text, or yet to come. */
export function inputWord(input: unknown): string | undefined {
  if (input === undefined) return '';
  if (typeof input !== 'string' && !(input instanceof Uint8Array)) return undefined;
  const data = Buffer.from(input);
  return data.length > LONGEST_INPUT || !isUtf8(data) || data.includes(0) ? undefined : data.toString();
}

/** Opens a channel on which a shell runs, and hands it to `take`; the channel is open until that is done. */
type OpenShell = (take: (session: Session) => Promise<void>, signal?: AbortSignal) => Promise<void>;

/** The shells of one connection. */
export class Shells {
  readonly #openShell: OpenShell;
  readonly #idle = new Set<Shell>();
  #count = 0;

  constructor(openShell: OpenShell) {
    this.#openShell = openShell;
  }

  /**
   * Runs a line of a POSIX shell.
   * @param input see `inputWord`
   * @returns undefined if all shells are busy
   * @throws as SshConnection.exec
   */
  async run(line: string, input: string, budget: Budget, signal?: AbortSignal): Promise<Talk | undefined> {
    const shell = this.#take() ?? (await this.#open(signal));
    if (shell === undefined) return undefined;
    let isOver = false;
    const ended = shell.run(line, input, budget).then((how) => {
      isOver = true;
      if (how.exitCode !== undefined || how.signalName !== undefined) this.#idle.add(shell);
      return how;
    });
    // One that has ended has left the shell to the next.
    const abandon = (): void => {
      if (!isOver) shell.close();
    };
    return { ended, abandon };
  }

  #take(): Shell | undefined {
    const [shell] = this.#idle;
    if (shell !== undefined) this.#idle.delete(shell);
    return shell;
  }

  async #open(signal: AbortSignal | undefined): Promise<Shell | undefined> {
    if (this.#count >= CHANNELS.shell) return undefined;
    this.#count += 1;
    return new Promise((resolve, reject) => {
      const stay = async (session: Session): Promise<void> => {
        const shell = new Shell(session);
        resolve(shell);
        await session.ended;
        this.#idle.delete(shell);
      };
      this.#openShell(stay, signal)
        .catch(reject)
        .finally(() => {
          this.#count -= 1;
        });
    });
  }
}

/** One of them. Both of its streams say when a command has ended, by a mark that nobody can guess. */
class Shell {
  readonly #session: Session;
  #isOver = false;
  #command: { out: Gathering; err: Gathering; done(): void } | undefined;

  constructor(session: Session) {
    this.#session = session;
    session.stdout.on('data', (chunk: Buffer) => this.#take('out', chunk));
    session.stderr.on('data', (chunk: Buffer) => this.#take('err', chunk));
    // What it said last may come a moment later than its end.
    const drained = [session.stdout, session.stderr].map((stream) => finished(stream, { writable: false }));
    void Promise.allSettled([session.ended, ...drained]).then(() => {
      this.#isOver = true;
      this.#command?.done();
    });
  }

  async run(line: string, input: string, budget: Budget): Promise<Ended> {
    const mark = randomBytes(16).toString('hex');
    const out = new Gathering(mark, budget);
    const err = new Gathering(mark, budget);
    const over = new Promise<void>((resolve) => {
      this.#command = { out, err, done: resolve };
    });
    const source = input === '' ? '< /dev/null' : '';
    const before = input === '' ? '' : `printf %s ${quote(input)} | `;
    if (this.#isOver) this.#command?.done();
    this.#session.stdin.write(
      `${before}( ${line} ) ${source}\nprintf '${mark} %s\\n' "$?"; printf '${mark} \\n' >&2\n`,
    );
    await over;
    this.#command = undefined;
    const status = out.ending;
    const streams = { stdout: out.data, stderr: err.data };
    if (status === undefined || err.ending === undefined) return streams;
    const exitCode = Number(status);
    const signal = Object.entries(constants.signals).find(([, number]) => number === exitCode - SIGNALLED);
    return signal === undefined ? { exitCode, ...streams } : { signalName: signal[0], ...streams };
  }

  close(): void {
    this.#session.close();
  }

  #take(stream: 'out' | 'err', chunk: Buffer): void {
    const command = this.#command;
    if (command === undefined) return;
    command[stream].add(chunk);
    if (command.out.ending !== undefined && command.err.ending !== undefined) command.done();
  }
}

/** What a stream brings up to its mark. */
class Gathering {
  /** What stands behind the mark, once it has come. */
  ending: string | undefined;
  readonly #mark: string;
  readonly #budget: Budget;
  readonly #chunks: Buffer[] = [];
  /** The last bytes that came, the mark is looked for in. */
  #tail = '';

  constructor(mark: string, budget: Budget) {
    this.#mark = mark;
    this.#budget = budget;
  }

  get data(): Buffer {
    const all = Buffer.concat(this.#chunks);
    return this.ending === undefined
      ? all
      : all.subarray(0, all.length - this.#mark.length - this.ending.length - 2);
  }

  add(chunk: Buffer): void {
    if (this.#budget.take(chunk)) this.#chunks.push(chunk);
    const longest = this.#mark.length + 8;
    this.#tail = (this.#tail + chunk.subarray(-longest).toString('latin1')).slice(-longest);
    const at = this.#tail.indexOf(`${this.#mark} `);
    if (at !== -1 && this.#tail.endsWith('\n')) {
      this.ending = this.#tail.slice(at + this.#mark.length + 1, -1);
    }
  }
}

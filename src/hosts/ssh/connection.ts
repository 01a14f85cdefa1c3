import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import pLimit from 'p-limit';
import type { Client, ClientChannel } from 'ssh2';
import { LabError, linesOf } from '../../base/errors.js';
import { CHANNELS, type Lane } from './channels.js';
import { type Elevation, elevated } from './elevation.js';
import { openClient } from './handshake.js';
import { ConnectionLostError } from './lost.js';
import { notBegun } from './not-begun.js';
import type { SshOptions } from './options.js';
import { anyShellLine, beginSession, NotBegun, newMark, rawSession, type Session } from './session.js';
import { openSftp, type Sftp } from './sftp.js';
import { Shells } from './shell.js';

/** What sshd says when it has no room for a channel (RFC 4254, 5.1); one that has just ended may count a moment longer. */
const CONNECT_FAILED = 2;
/** Milliseconds; pauses between tries double up to it. */
const LONGEST_PAUSE = 2000;
/** Milliseconds of the last pause before a further connection is made, the first time and where there was no room before. */
const LONG_PAUSE = 320;
const SHORT_PAUSE = 20;

interface ExecOptions {
  signal?: AbortSignal | undefined;
  lane?: Lane | undefined;
  /** As ssh(1) does it: the login shell has the command as it is, with the rights of the user who logs in. */
  isRaw?: boolean | undefined;
}

/** One connection, made when it is first needed, used by all commands, and made anew after it was lost. */
export class SshConnection {
  readonly options: SshOptions;
  /** Those of the connection that is up; its end is theirs. */
  shells = this.#newShells();
  /** What does not change as long as the host runs, and so as long as a connection holds. */
  readonly #remembered = new Map<string, Promise<unknown>>();
  /** How commands get root's rights, once that was found out; set before any shell stays. */
  elevation: Elevation | undefined;
  #client: Promise<Client> | undefined;
  /** Why the last connection ended, if it did not end as asked. */
  #trouble: string | undefined;
  #closed = false;
  readonly #lanes = {
    command: pLimit(CHANNELS.command),
    shell: pLimit(CHANNELS.shell),
    lock: pLimit(CHANNELS.lock),
    kill: pLimit(CHANNELS.kill),
  };
  #openChannels = 0;
  /** Whether sshd takes fewer channels than `CHANNELS` (its MaxSessions). */
  #isNarrow = false;
  /** Carries further locks: one that waited here for another's end might wait for itself. And what there is no room for here. */
  #further: SshConnection | undefined;

  constructor(options: SshOptions) {
    this.options = options;
  }

  /**
   * Opens a channel on which a line of a POSIX shell runs, once there is room for one. It is handed to `take` when it begins:
   * a short command's output and end may have come along with that. Until `take` is done the channel counts as open.
   * @throws UnreachableError if there is no connection to be had · MissingError if the host has another key or refuses ours,
   *   or its login shell does not come to the command
   */
  exec<T>(
    command: string,
    take: (session: Session) => Promise<T>,
    { signal, lane = 'command', isRaw = false }: ExecOptions = {},
  ): Promise<T> {
    const { activeCount, pendingCount } = this.#lanes.lock;
    if (lane === 'lock' && activeCount + pendingCount === CHANNELS.lock && !this.#closed) {
      return this.#beyond().exec(command, take, { signal, lane });
    }
    return this.#lanes[lane](async () => {
      for (let pause = 10; ; pause *= 2) {
        signal?.throwIfAborted();
        const client = await this.#connected(signal);
        const outcome = await this.#open(client, command, take, {
          signal,
          isRaw,
          isLast: pause > LONGEST_PAUSE,
        });
        if (outcome === 'not begun') continue;
        if (outcome !== 'no room') return outcome.taken;
        // Where sshd takes fewer channels than we have use for, another connection has as many again.
        if (pause >= (this.#isNarrow ? SHORT_PAUSE : LONG_PAUSE) && this.#openChannels > 0 && !this.#closed) {
          this.#isNarrow = true;
          return this.#beyond().exec(command, take, { signal, lane, isRaw });
        }
        const sftp = this.#remembered.get('SFTP') as Promise<Sftp | undefined> | undefined;
        sftp?.then(
          (one) => one?.makeRoom(),
          () => {},
        );
        await sleep(pause, undefined, { signal });
      }
    });
  }

  #newShells(): Shells {
    return new Shells((take, signal) => this.exec('exec sh', take, { signal, lane: 'shell' }));
  }

  /** A further connection to the same host. */
  #beyond(): SshConnection {
    this.#further ??= new SshConnection(this.options);
    this.#further.elevation = this.elevation;
    return this.#further;
  }

  #open<T>(
    client: Client,
    command: string,
    take: (session: Session) => Promise<T>,
    { signal, isRaw, isLast }: ExecOptions & { isLast: boolean },
  ): Promise<{ taken: T } | 'no room' | 'not begun'> {
    const mark = newMark();
    const inputMark = newMark();
    const line = isRaw ? command : anyShellLine(elevated(command, this.elevation, inputMark), mark);
    const begin = async (channel: ClientChannel): Promise<T> => {
      this.#openChannels += 1;
      try {
        if (isRaw) return await take(rawSession(channel));
        const session = await beginSession(channel, mark, signal);
        if (this.elevation?.password !== undefined)
          session.stdin.write(`${this.elevation.password}\n${inputMark}\n`);
        return await take(session);
      } catch (error) {
        throw error instanceof NotBegun ? await this.#notBegun(error) : error;
      } finally {
        this.#openChannels -= 1;
      }
    };
    return new Promise((resolve, reject) => {
      const lost = (): void => {
        void this.#lost('opening a channel').then(reject);
      };
      client.once('close', lost);
      client.exec(line, (error, channel) => {
        client.off('close', lost);
        if (error === undefined) begin(channel).then((taken) => resolve({ taken }), reject);
        else if ((error as { reason?: unknown }).reason === CONNECT_FAILED && !isLast) resolve('no room');
        else if (isClosedTooEarly(client, error) && !isLast) resolve('not begun');
        else reject(this.#refused('opening a channel', error));
      });
    });
  }

  async #notBegun(error: NotBegun): Promise<LabError> {
    const { exitCode, signalName } = error.ending;
    if (error.message === 'it ended' && exitCode === undefined && signalName === undefined) {
      return this.#lost('opening a channel');
    }
    return notBegun(error, this.options.name, this.options.user);
  }

  /** Finds out once a connection; a failure is not remembered. */
  remember<T>(name: string, find: () => Promise<T>): Promise<T> {
    const known = this.#remembered.get(name) as Promise<T> | undefined;
    if (known !== undefined) return known;
    const found = find();
    this.#remembered.set(name, found);
    found.catch(() => this.#remembered.delete(name));
    return found;
  }

  /**
   * Makes the connection if there is none, so that what is wrong with it shows before any work is begun.
   * @throws as `exec` does
   */
  async connect(signal?: AbortSignal): Promise<void> {
    await this.#connected(signal);
  }

  /** A byte stream to an address that the host can reach, for which it is a jump host. */
  async forward(address: string, port: number, signal?: AbortSignal): Promise<Duplex> {
    const client = await this.#connected(signal);
    return new Promise((resolve, reject) => {
      client.forwardOut('127.0.0.1', 0, address, port, (error, channel) => {
        if (error === undefined) resolve(channel);
        else reject(this.#refused(`opening a way to ${address}, port ${port}`, error));
      });
    });
  }

  /**
   * Files with the rights of the user who logs in, found out once a connection.
   * @returns undefined where the host offers none, and where commands have other rights, by sudo
   */
  sftp(): Promise<Sftp | undefined> {
    return this.remember('SFTP', async () =>
      this.elevation === undefined
        ? openSftp(await this.#connected(), (tried) => this.#lost(tried))
        : undefined,
    );
  }

  /** Opens a login shell on a terminal of the host. */
  async shell(terminal: { term: string; rows: number; cols: number }): Promise<ClientChannel> {
    const client = await this.#connected();
    return new Promise((resolve, reject) => {
      client.shell(terminal, (error, channel) => {
        if (error === undefined) resolve(channel);
        else reject(this.#refused('opening a shell', error));
      });
    });
  }

  /** What to say of a command whose channel ended without its exit code. */
  async explainLoss(tried: string): Promise<ConnectionLostError> {
    return this.#lost(tried);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.shells = this.#newShells();
    await this.#further?.close();
    const client = await this.#client?.catch(() => undefined);
    if (client === undefined) return;
    await new Promise<void>((resolve) => {
      client.once('close', resolve);
      client.end();
      // A host that has died does not answer the farewell.
      setTimeout(() => client.destroy(), 1000).unref();
    });
  }

  #connected(signal?: AbortSignal): Promise<Client> {
    if (this.#closed) {
      throw new LabError({
        tried: `reaching ${this.options.name}`,
        happened: 'the connection has been closed',
      });
    }
    this.#client ??= this.#connect(signal).catch((error) => {
      this.#client = undefined;
      throw error;
    });
    return this.#client;
  }

  async #connect(signal = new AbortController().signal): Promise<Client> {
    const client = await openClient(this.options, signal);
    this.#trouble = undefined;
    client.on('error', (error) => {
      this.#trouble = error.message;
    });
    client.once('close', () => {
      this.#client = undefined;
      this.#remembered.clear();
      this.shells = this.#newShells();
    });
    return client;
  }

  async #lost(tried: string): Promise<ConnectionLostError> {
    const known = await this.options.whyLost?.().catch(() => undefined);
    return new ConnectionLostError({
      tried: `${tried} on ${this.options.name}`,
      happened: [
        `the connection was lost${this.#trouble === undefined ? '' : ` (${this.#trouble})`}`,
        ...(known === undefined ? [] : linesOf(known)),
      ],
      next: 'see whether the host still runs; the command may have been carried out or not',
    });
  }

  #refused(tried: string, cause: Error): LabError {
    return new LabError({
      tried: `${tried} on ${this.options.name}`,
      happened: cause.message,
      next: 'see what sshd there has to say, and whether its MaxSessions is less than 10',
      cause,
    });
  }
}

/**
 * Dropbear takes a session that has no process yet for one whose process has ended: where another command ends just then, it
 * closes the new channel and drops the request that comes (`sesscheckclose` and `check_close`, dropbear 2022.83).
 */
function isClosedTooEarly(client: Client, error: Error): boolean {
  // What the server calls itself, which ssh2 tells nowhere else.
  const { _remoteVer: server } = client as { _remoteVer?: unknown };
  return error.message === 'Unable to exec' && typeof server === 'string' && /^dropbear/i.test(server);
}

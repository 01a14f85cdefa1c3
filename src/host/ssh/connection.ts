import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import pLimit from 'p-limit';
import type { Client, ClientChannel } from 'ssh2';
import { LabError, MissingError, UnreachableError } from '../../errors.js';
import { Shells } from './shell.js';

export interface SshOptions {
  /** How messages call the host: `root@storage1`, `guest target`. */
  name: string;
  user: string;
  /** Opens the byte stream that SSH is spoken on: a TCP connection, a channel of a jump host, a serial line. */
  open(signal: AbortSignal): Promise<Duplex>;
  /** The host's public keys in SSH's wire format. Any other is refused. */
  hostKeys: readonly Buffer[];
  /** A private key in OpenSSH's or PEM format. */
  privateKey?: string | Buffer | undefined;
  passphrase?: string | undefined;
  /** Path of an agent's socket. */
  agent?: string | undefined;
  /** Milliseconds from the first byte to being logged in; 20,000 otherwise. */
  connectTimeout?: number | undefined;
  /** Milliseconds between signs of life; after three without an answer the connection counts as lost. 5,000 otherwise. */
  keepalive?: number | undefined;
  /** What is known elsewhere of why a connection was lost, such as a kernel's last words. */
  whyLost?: (() => Promise<string | undefined>) | undefined;
}

/**
 * How many channels of a connection may be open at once, by what they are for: OpenSSH's sshd takes 10 (MaxSessions).
 * What ends a command must not wait behind commands.
 */
const CHANNELS = { command: 4, shell: 3, lock: 2, kill: 1 };

/** What sshd says when it has no room for a channel (RFC 4254, 5.1); one that has just ended may count a moment longer. */
const CONNECT_FAILED = 2;
/** Milliseconds; pauses between tries double up to it. */
const LONGEST_PAUSE = 2000;

export type Lane = keyof typeof CHANNELS;

/** The type of a public key in wire format: its first string (RFC 4253, 6.6). */
function keyType(key: Buffer): string {
  return key.subarray(4, 4 + key.readUInt32BE(0)).toString('latin1');
}

/** RSA keys sign under several names (RFC 8332). */
function algorithmsFor(keys: readonly Buffer[]): string[] {
  const types = keys.map(keyType);
  return [
    ...new Set(types.flatMap((type) => (type === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256'] : [type]))),
  ];
}

/** One connection, made when it is first needed, used by all commands, and made anew after it was lost. */
export class SshConnection {
  readonly options: SshOptions;
  readonly shells = new Shells(this);
  /** What does not change as long as the host runs, and so as long as a connection holds. */
  readonly #remembered = new Map<string, Promise<unknown>>();
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
  /** Carries further locks: one that waited here for another's end might wait for itself. */
  #further: SshConnection | undefined;

  constructor(options: SshOptions) {
    this.options = options;
  }

  /**
   * Opens a channel on which a command runs, once there is room for one. It is handed to `take` at once: a short
   * command's output and end may have come along with it.
   * @throws UnreachableError if there is no connection to be had · MissingError if the host has another key or refuses ours
   */
  exec<T>(
    command: string,
    take: (channel: ClientChannel) => T | Promise<T>,
    { signal, lane = 'command' }: { signal?: AbortSignal | undefined; lane?: Lane | undefined } = {},
  ): Promise<T> {
    const { activeCount, pendingCount } = this.#lanes.lock;
    if (lane === 'lock' && activeCount + pendingCount === CHANNELS.lock && !this.#closed) {
      this.#further ??= new SshConnection(this.options);
      return this.#further.exec(command, take, { signal, lane });
    }
    return new Promise((resolve, reject) => {
      const use = (channel: ClientChannel): void => resolve(take(channel));
      this.#lanes[lane](() => this.#untilClosed(command, use, signal)).catch(reject);
    });
  }

  /** Opens a channel, and resolves when it is closed. */
  async #untilClosed(
    command: string,
    use: (channel: ClientChannel) => void,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    for (let pause = 10; ; pause *= 2) {
      signal?.throwIfAborted();
      const client = await this.#connected(signal);
      const outcome = await this.#open(client, command, use, pause > LONGEST_PAUSE);
      if (outcome === 'closed') return;
      await sleep(pause, undefined, { signal });
    }
  }

  #open(
    client: Client,
    command: string,
    use: (channel: ClientChannel) => void,
    isLast: boolean,
  ): Promise<'closed' | 'no room'> {
    return new Promise((resolve, reject) => {
      const lost = (): void => {
        void this.#lost('opening a channel').then(reject);
      };
      client.once('close', lost);
      client.exec(command, (error, channel) => {
        client.off('close', lost);
        if (error === undefined) {
          channel.once('close', () => resolve('closed'));
          use(channel);
        } else if ((error as { reason?: unknown }).reason === CONNECT_FAILED && !isLast) resolve('no room');
        else reject(this.#refused('opening a channel', error));
      });
    });
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
  async explainLoss(tried: string): Promise<LabError> {
    return this.#lost(tried);
  }

  async close(): Promise<void> {
    this.#closed = true;
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
    const { name, user, privateKey, passphrase, agent, hostKeys, keepalive = 5000 } = this.options;
    const readyTimeout = this.options.connectTimeout ?? 20_000;
    const tried = `connecting to ${name} by SSH`;
    const { Client } = (await import('ssh2')).default;
    const sock = await this.options.open(signal).catch((cause: Error) => {
      throw new UnreachableError({ tried, happened: cause.message, cause });
    });
    // ssh2 stops listening before the stream has ended.
    sock.on('error', () => {});
    const client = new Client();
    // Each command under way listens for its end.
    client.setMaxListeners(0);
    let otherKey: Buffer | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        client.once('ready', resolve);
        // More than one may come; one that nobody hears would end this process.
        client.on('error', reject);
        client.once('close', () => reject(new Error('the host closed the connection')));
        client.connect({
          sock,
          username: user,
          readyTimeout,
          keepaliveInterval: keepalive,
          keepaliveCountMax: 3,
          algorithms: { serverHostKey: algorithmsFor(hostKeys) as never },
          hostVerifier: (key: Buffer) => {
            const isKnown = hostKeys.some((known) => known.equals(key));
            if (!isKnown) otherKey = key;
            return isKnown;
          },
          ...(privateKey === undefined ? {} : { privateKey }),
          ...(passphrase === undefined ? {} : { passphrase }),
          ...(agent === undefined ? {} : { agent }),
        });
      });
    } catch (error) {
      client.destroy();
      throw this.#notConnected(tried, error as Error & { level?: string }, otherKey);
    }
    this.#trouble = undefined;
    client.removeAllListeners('error');
    client.on('error', (error) => {
      this.#trouble = error.message;
    });
    client.once('close', () => {
      this.#client = undefined;
      this.#remembered.clear();
    });
    return client;
  }

  #notConnected(tried: string, error: Error & { level?: string }, otherKey: Buffer | undefined): LabError {
    const offersOther = /no matching host key format/i.test(error.message);
    if (otherKey !== undefined || offersOther) {
      const what = otherKey === undefined ? 'a key of another type' : `a ${keyType(otherKey)} key`;
      return new MissingError({
        tried,
        happened: `the host shows ${what} that is not the one known: it was set up anew, or it is another host`,
        next: 'find out which, and only then trust the new key',
        missing: ['known host key'],
        cause: error,
      });
    }
    if (error.level === 'client-authentication') {
      return new MissingError({
        tried,
        happened: `the host does not let ${this.options.user} in by the keys at hand`,
        next: 'add the public key to ~/.ssh/authorized_keys there, or name another user or key',
        missing: ['login'],
        cause: error,
      });
    }
    return new UnreachableError({ tried, happened: error.message, cause: error });
  }

  async #lost(tried: string): Promise<LabError> {
    const known = await this.options.whyLost?.().catch(() => undefined);
    return new LabError({
      tried: `${tried} on ${this.options.name}`,
      happened: `the connection was lost${this.#trouble === undefined ? '' : ` (${this.#trouble})`}${known === undefined ? '' : `\n${known}`}`,
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

import { posix } from 'node:path';
import { PassThrough } from 'node:stream';
import { settings, withoutStrays } from '../host/clean-start.js';
import { enterNamespace } from '../host/enter.js';
import {
  type FileFacts,
  type Host,
  type HostFacts,
  type HostLock,
  LONGEST_OF_ALL,
  type RunOptions,
  type RunResult,
  type StartOptions,
  type TransferOptions,
  type TransferShown,
  type Unread,
} from '../host/host.js';
import { LOCK, LOCK_CODES, LockTalk, lockArguments } from '../host/lock.js';
import { inNetns } from './command.js';
import { SshConnection } from './connection.js';
import { ConnectionLostError } from './lost.js';
import type { SshOptions } from './options.js';
import { type RawOptions, type RawResult, runRemote } from './run.js';
import * as scripts from './scripts.js';
import { getPath, putPath, TRANSFER, temporaryBeside, type Wire } from './transfer.js';

/** As `READ_ALL` tells of what is no file, in the place of its bytes. */
const UNREAD: Readonly<Record<string, Unread>> = { '-': 'no file', '+': 'too long' };

/** Paths in one command, whose line Linux bounds at 128 KiB (MAX_ARG_STRLEN). */
const AT_ONCE = 20;

/**
 * A host over SSH. It needs a POSIX shell and the usual small programs (busybox will do), flock(1) for locks and tar(1)
 * for folders. What only looks (`read`, `list`, `stat`, `facts` …) is asked once more when the connection was lost; all
 * else says by a ConnectionLostError that it may have been carried out or not.
 */
export class SshHost implements Host {
  readonly name: string;
  readonly isHere = false;
  readonly netns: string | undefined;
  /** Called with each command before it runs. */
  onRun: ((argv: readonly string[]) => void) | undefined;
  /** Shows what is copied, where the one who copies does not. @param what such as `vblade to store` */
  onTransfer: ((what: string) => TransferShown) | undefined;
  readonly #connection: SshConnection;

  /** @param how the connection's options, or a connection to share */
  constructor(how: SshOptions | SshConnection, netns?: string) {
    this.#connection = how instanceof SshConnection ? how : new SshConnection(how);
    const { name } = this.#connection.options;
    this.netns = netns;
    this.name = netns === undefined ? name : `${name} (namespace ${netns})`;
  }

  get connection(): SshConnection {
    return this.#connection;
  }

  inNamespace(netns: string | undefined): SshHost {
    if (netns === this.netns) return this;
    const other = new SshHost(this.#connection, netns);
    other.onRun = this.onRun;
    other.onTransfer = this.onTransfer;
    return other;
  }

  /** Ends the connection, that of the same host in its namespaces too. */
  close(): Promise<void> {
    return this.#connection.close();
  }

  async run(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    this.onRun?.(inNetns(argv, this.netns));
    const { cwd, env, ...rest } = options;
    const { stdout, stderr, ...others } = await runRemote(
      this.#connection,
      { argv, netns: this.netns, cwd, env },
      rest,
    );
    return { ...others, stdout: stdout.toString(), stderr: stderr.toString() };
  }

  async start(argv: readonly string[], { env, log, cwd = '/' }: StartOptions): Promise<number> {
    const full = enterNamespace(this.netns, argv);
    this.onRun?.(full);
    const words = [undashed(log), undashed(cwd), ...settings(env), ...withoutStrays(full)];
    const { stdout } = await runRemote(this.#connection, {
      argv: ['sh', '-c', scripts.START, 'sh', ...words],
    });
    return Number(stdout.toString());
  }

  async read(path: string): Promise<Buffer> {
    const stdout = await this.#look(scripts.READ, [path], TRANSFER);
    if (stdout !== undefined) return stdout;
    throw Object.assign(new Error(`ENOENT: there is no ${path} on ${this.name}`), { code: 'ENOENT', path });
  }

  async write(path: string, data: string | Uint8Array, mode = 0o644): Promise<void> {
    const input = Buffer.from(data);
    await this.#script(scripts.WRITE, [path, temporaryBeside(path), mode.toString(8), String(input.length)], {
      input,
      timeout: TRANSFER,
    });
  }

  async remove(...paths: string[]): Promise<void> {
    for (let at = 0; at < paths.length; at += AT_ONCE) {
      await this.#script(scripts.REMOVE, paths.slice(at, at + AT_ONCE));
    }
  }

  async list(path: string): Promise<string[]> {
    const stdout = await this.#look(scripts.LIST, [path]);
    return (stdout ?? '')
      .toString()
      .split('\0')
      .filter((name) => name !== '')
      .sort();
  }

  async readAll(path: string, suffix: string): Promise<Map<string, Buffer | Unread>> {
    const words = [path, suffix, String(LONGEST_OF_ALL)];
    const stdout = (await this.#look(scripts.READ_ALL, words)) ?? Buffer.alloc(0);
    const files = new Map<string, Buffer | Unread>();
    for (let at = 0; at < stdout.length; ) {
      const [name, size] = [stdout.indexOf(0, at), stdout.indexOf(0, stdout.indexOf(0, at) + 1)];
      const bytes = stdout.toString('latin1', name + 1, size);
      const unread = UNREAD[bytes];
      const end = size + 1 + (unread === undefined ? Number(bytes) : 0);
      files.set(stdout.toString('utf8', at, name), unread ?? stdout.subarray(size + 1, end));
      at = end;
    }
    return new Map([...files].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  async readEach(path: string, name: string): Promise<Map<string, string>> {
    const words = ((await this.#look(scripts.READ_EACH, [path, name])) ?? '').toString().split('\0');
    const files = new Map<string, string>();
    for (let at = 0; at + 1 < words.length; at += 2) files.set(words[at] as string, words[at + 1] as string);
    return files;
  }

  async stat(path: string): Promise<FileFacts | undefined> {
    const stdout = await this.#look(scripts.STAT, [path]);
    if (stdout === undefined) return undefined;
    const [mode = '', size, blocks, uid] = stdout.toString().trim().split(' ');
    const kinds: Record<number, FileFacts['kind']> = { 8: 'file', 4: 'directory', 6: 'block' };
    return {
      kind: kinds[Number.parseInt(mode, 16) >> 12] ?? 'other',
      size: Number(size),
      blocks: Number(blocks),
      uid: Number(uid),
    };
  }

  put(local: string, remote: string, options: TransferOptions = {}): Promise<void> {
    return this.#shown(`${posix.basename(remote)} to ${this.name}`, options, (shown) =>
      putPath(this.#wire, local, remote, shown),
    );
  }

  async get(remote: string, local: string, options: TransferOptions = {}): Promise<void> {
    const facts = await this.stat(remote);
    if (facts === undefined) {
      throw Object.assign(new Error(`ENOENT: there is no ${remote} on ${this.name}`), { code: 'ENOENT' });
    }
    await this.#shown(`${posix.basename(remote)} from ${this.name}`, options, (shown) =>
      getPath(this.#wire, remote, local, facts, shown),
    );
  }

  async #shown(
    what: string,
    options: TransferOptions,
    copy: (options: TransferOptions) => Promise<void>,
  ): Promise<void> {
    const transfer = options.onProgress === undefined ? this.onTransfer?.(what) : undefined;
    if (transfer === undefined) return copy(options);
    try {
      await copy({ ...options, onProgress: (done, total) => transfer.update(done, total) });
    } finally {
      transfer.end();
    }
  }

  facts(): Promise<HostFacts> {
    return this.#connection.remember('facts', () => this.#findFacts());
  }

  async #findFacts(): Promise<HostFacts> {
    const { stdout } = await this.#ask(scripts.FACTS, []);
    const [hostname = '', system = '', kernel = '', machine = '', uid, bootId = ''] = stdout
      .toString()
      .split('\n');
    return { hostname, system, kernel, machine, uid: Number(uid), bootId };
  }

  /** Held as long as a shell on the far side reads our channel: it ends with the connection, however that ends. */
  async lock(path: string, wait: number): Promise<HostLock> {
    const release = new PassThrough();
    let take: () => void = () => {};
    const taken = new Promise<'taken'>((resolve) => {
      take = () => resolve('taken');
    });
    const talk = new LockTalk(`taking the lock ${path} on ${this.name}`, wait, take);
    const argv = ['sh', '-c', LOCK, 'aoe-lab-lock', ...lockArguments(undashed(path), wait)];
    const ended = runRemote(
      this.#connection,
      { argv },
      {
        input: release,
        accept: LOCK_CODES,
        timeout: 2 ** 31 - 1,
        lane: 'lock',
        onOutput: async (output) => {
          for await (const chunk of output) talk.add(chunk as Buffer);
        },
      },
    );
    const outcome = await Promise.race([taken, ended]);
    if (outcome !== 'taken') throw talk.refusal(outcome.exitCode, outcome.stderr.toString());
    // A connection that is lost has given the lock back.
    let held = true;
    const drop = (): void => {
      held = false;
    };
    ended.then(drop, drop);
    return {
      isHeld: () => held,
      release: async () => {
        release.end();
        await ended.catch(() => {});
      },
    };
  }

  stateFolder(): Promise<string> {
    return this.#connection.remember('state folder', async () => {
      const { stdout } = await this.#ask(scripts.STATE_FOLDER, []);
      return stdout.toString().trim();
    });
  }

  readonly #wire: Wire = {
    run: (script, args, options) => this.#script(script, args, options),
    sftp: () => this.#connection.sftp(),
  };

  #script(script: string, args: readonly string[], options: RawOptions = {}): Promise<RawResult> {
    return runRemote(this.#connection, { argv: ['sh', '-c', script, 'sh', ...args.map(undashed)] }, options);
  }

  /**
   * What a script says of a path; undefined if nothing is there.
   * @throws an error with `code` EACCES if this user may not look
   */
  async #look(script: string, args: readonly string[], timeout?: number): Promise<Buffer | undefined> {
    const accept = [scripts.NOTHING_THERE, scripts.FORBIDDEN];
    const limit = timeout === undefined ? {} : { timeout };
    const { exitCode, stdout, stderr } = await this.#ask(script, args, { accept, ...limit });
    if (exitCode === 0) return stdout;
    if (exitCode === scripts.NOTHING_THERE) return undefined;
    const why = stderr.toString().trim() || `${args[0]}: Permission denied`;
    throw Object.assign(new Error(`EACCES: ${why} (${this.name})`), { code: 'EACCES', path: args[0] });
  }

  /** A script that changes nothing: it is run once more where the connection was lost. */
  async #ask(script: string, args: readonly string[], options: RawOptions = {}): Promise<RawResult> {
    try {
      return await this.#script(script, args, options);
    } catch (error) {
      if (!(error instanceof ConnectionLostError)) throw error;
      return this.#script(script, args, options);
    }
  }
}

/** A path that no program takes for an option. */
function undashed(word: string): string {
  return word.startsWith('-') ? `./${word}` : word;
}

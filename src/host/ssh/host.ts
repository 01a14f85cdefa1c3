import { randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, posix } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { LabError } from '../../errors.js';
import type { FileFacts, Host, HostFacts, HostLock, RunOptions, RunResult, StartOptions } from '../host.js';
import { inNetns } from './command.js';
import { SshConnection, type SshOptions } from './connection.js';
import { type RawOptions, type RawResult, runRemote } from './run.js';
import * as scripts from './scripts.js';

/** Files of any size go by `put` and `get`; that long a transfer may take. */
const TRANSFER = 15 * 60_000;

/**
 * A host over SSH. It needs a POSIX shell and the usual small programs (busybox will do), flock(1) for locks and tar(1)
 * for folders; no SFTP.
 */
export class SshHost implements Host {
  readonly name: string;
  readonly isHere = false;
  readonly netns: string | undefined;
  /** Called with each command before it runs. */
  onRun: ((argv: readonly string[]) => void) | undefined;
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
    const full = inNetns(argv, this.netns);
    this.onRun?.(full);
    const settings = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    const { stdout } = await runRemote(this.#connection, {
      argv: ['sh', '-c', scripts.START, 'sh', undashed(log), undashed(cwd), ...settings, ...full],
    });
    return Number(stdout.toString());
  }

  async read(path: string): Promise<Buffer> {
    const { exitCode, stdout } = await this.#script(scripts.READ, [path], {
      accept: [scripts.NOTHING_THERE],
      timeout: TRANSFER,
    });
    if (exitCode !== scripts.NOTHING_THERE) return stdout;
    throw Object.assign(new Error(`ENOENT: there is no ${path} on ${this.name}`), { code: 'ENOENT', path });
  }

  async write(path: string, data: string | Uint8Array, mode = 0o644): Promise<void> {
    const input = Buffer.from(data);
    await this.#script(scripts.WRITE, [path, temporaryBeside(path), mode.toString(8), String(input.length)], {
      input,
      timeout: TRANSFER,
    });
  }

  async remove(path: string): Promise<void> {
    await this.#script(scripts.REMOVE, [path]);
  }

  async list(path: string): Promise<string[]> {
    const { stdout } = await this.#script(scripts.LIST, [path]);
    return stdout
      .toString()
      .split('\0')
      .filter((name) => name !== '')
      .sort();
  }

  async readAll(path: string, suffix: string): Promise<Map<string, Buffer>> {
    const { stdout } = await this.#script(scripts.READ_ALL, [path, suffix]);
    const files = new Map<string, Buffer>();
    for (let at = 0; at < stdout.length; ) {
      const [name, size] = [stdout.indexOf(0, at), stdout.indexOf(0, stdout.indexOf(0, at) + 1)];
      const end = size + 1 + Number(stdout.toString('latin1', name + 1, size));
      files.set(stdout.toString('utf8', at, name), stdout.subarray(size + 1, end));
      at = end;
    }
    return new Map([...files].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  async stat(path: string): Promise<FileFacts | undefined> {
    const { exitCode, stdout } = await this.#script(scripts.STAT, [path], {
      accept: [scripts.NOTHING_THERE],
    });
    if (exitCode === scripts.NOTHING_THERE) return undefined;
    const [mode = '', size, blocks, uid] = stdout.toString().trim().split(' ');
    const kinds: Record<number, FileFacts['kind']> = { 8: 'file', 4: 'directory', 6: 'block' };
    return {
      kind: kinds[Number.parseInt(mode, 16) >> 12] ?? 'other',
      size: Number(size),
      blocks: Number(blocks),
      uid: Number(uid),
    };
  }

  async put(local: string, remote: string): Promise<void> {
    const temporary = temporaryBeside(remote);
    const facts = await stat(local);
    try {
      if (facts.isDirectory()) {
        const { create } = await import('tar');
        await this.#script(scripts.PUT_FOLDER, [temporary], {
          input: Readable.from(create({ cwd: local }, ['.'])),
          timeout: TRANSFER,
        });
      } else {
        const mode = (facts.mode & 0o777).toString(8);
        await this.#script(scripts.PUT_FILE, [temporary, mode, String(facts.size)], {
          input: createReadStream(local),
          timeout: TRANSFER,
        });
      }
      // A step of its own: it is only asked for once all has arrived.
      await this.#script(scripts.PLACE, [temporary, remote]);
    } catch (error) {
      await this.remove(temporary).catch(() => {});
      throw error;
    }
  }

  async get(remote: string, local: string): Promise<void> {
    const facts = await this.stat(remote);
    if (facts === undefined) {
      throw Object.assign(new Error(`ENOENT: there is no ${remote} on ${this.name}`), { code: 'ENOENT' });
    }
    await mkdir(dirname(local), { recursive: true });
    const temporary = join(dirname(local), `.${basename(local)}.${randomBytes(6).toString('hex')}.tmp`);
    try {
      if (facts.kind === 'directory') {
        await mkdir(temporary);
        await this.#script(scripts.GET_FOLDER, [remote], {
          timeout: TRANSFER,
          onOutput: (output) => unpack(output, temporary),
        });
      } else {
        await this.#script(scripts.READ, [remote], {
          timeout: TRANSFER,
          onOutput: async (output) => pipeline(output, createWriteStream(temporary, { flags: 'wx' })),
        });
        const file = await open(temporary);
        await file.sync().finally(() => file.close());
      }
      await rename(temporary, local);
    } catch (error) {
      await rm(temporary, { recursive: true, force: true });
      throw error;
    }
  }

  facts(): Promise<HostFacts> {
    return this.#connection.remember('facts', () => this.#findFacts());
  }

  async #findFacts(): Promise<HostFacts> {
    const { stdout } = await this.#script(scripts.FACTS, []);
    const [hostname = '', system = '', kernel = '', machine = '', uid, bootId = ''] = stdout
      .toString()
      .split('\n');
    return { hostname, system, kernel, machine, uid: Number(uid), bootId };
  }

  /** Held as long as a `cat` on the far side reads our channel: it ends with the connection, however that ends. */
  async lock(path: string, wait: number): Promise<HostLock> {
    const release = new PassThrough();
    let taken: () => void = () => {};
    const first = new Promise<'taken'>((resolve) => {
      taken = () => resolve('taken');
    });
    const ended = this.#script(scripts.LOCK, [path, String(Math.ceil(wait / 100))], {
      input: release,
      accept: [75],
      timeout: 2 ** 31 - 1,
      onOutput: async (output) => {
        for await (const _ of output) taken();
      },
    });
    const outcome = await Promise.race([first, ended]);
    if (outcome !== 'taken') {
      throw new LabError({
        tried: `taking the lock ${path} on ${this.name}`,
        happened: `another aoe-lab command has held it for ${(wait / 1000).toFixed(3)} s`,
        next: 'wait for the other command, then run this one again',
      });
    }
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
      const { stdout } = await this.#script(scripts.STATE_FOLDER, []);
      return stdout.toString().trim();
    });
  }

  #script(script: string, args: readonly string[], options: RawOptions = {}): Promise<RawResult> {
    return runRemote(this.#connection, { argv: ['sh', '-c', script, 'sh', ...args.map(undashed)] }, options);
  }
}

async function unpack(stream: Readable, folder: string): Promise<void> {
  const { extract } = await import('tar');
  const extractor = extract({ cwd: folder, strict: true });
  const finished = new Promise<void>((resolve, reject) => {
    extractor.once('close', resolve);
    extractor.once('error', reject);
  });
  finished.catch(() => {});
  for await (const chunk of stream) {
    if (!extractor.write(chunk as Buffer)) await new Promise((resolve) => extractor.once('drain', resolve));
  }
  extractor.end();
  await finished;
}

/** A path that no program takes for an option. */
function undashed(word: string): string {
  return word.startsWith('-') ? `./${word}` : word;
}

function temporaryBeside(path: string): string {
  return posix.join(posix.dirname(path), `.${posix.basename(path)}.${randomBytes(6).toString('hex')}.tmp`);
}

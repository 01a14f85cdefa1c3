import { randomBytes } from 'node:crypto';
import { constants, createWriteStream, type Stats } from 'node:fs';
import * as fs from 'node:fs/promises';
import { homedir, hostname, release } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { ownEnvironment, requireOwn } from '../../base/files/own-folders.js';
import { readBounded, UnfitFileError } from '../../base/files/read-bounded.js';
import { removeTree } from '../../base/files/remove-tree.js';
import { Budget, LONGEST_OUTPUT } from './budget.js';
import { CLEAN_ENVIRONMENT, withoutStrays } from './clean-start.js';
import { CommandError } from './command-error.js';
import { enterNamespace } from './enter.js';
import {
  type FileFacts,
  type Host,
  type HostFacts,
  type HostLock,
  LONGEST_OF_ALL,
  type RunOptions,
  type RunResult,
  type StartOptions,
  temporaryName,
  type Unread,
} from './host.js';
import { readIfThere } from './if-there.js';
import { COMMAND_MARK, killMarked } from './kill-marked.js';
import { LOCK, LockTalk, lockArguments } from './lock.js';

const DEFAULT_TIMEOUT = 60_000;
/** Milliseconds that what a command has printed is waited for once it was ended. */
const LINGER = 1000;

/** This machine, or a named network namespace of it. */
export class LocalHost implements Host {
  readonly name: string;
  readonly isHere = true;
  readonly netns: string | undefined;
  /** Called with each command before it runs (`-v`, `--dry-run`). */
  onRun: ((argv: readonly string[]) => void) | undefined;

  constructor(netns?: string) {
    this.netns = netns;
    this.name = netns === undefined ? 'here' : `here (namespace ${netns})`;
  }

  inNamespace(netns: string | undefined): LocalHost {
    if (netns === this.netns) return this;
    const other = new LocalHost(netns);
    other.onRun = this.onRun;
    return other;
  }

  /** For commands that end: `ip netns exec` replaces /sys for the namespace, so what they read there is right too. */
  #inNamespace(argv: readonly string[]): readonly string[] {
    return this.netns === undefined ? argv : ['ip', 'netns', 'exec', this.netns, ...argv];
  }

  async run(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    const { execa } = await import('execa');
    const full = this.#inNamespace(argv);
    this.onRun?.(full);
    const started = performance.now();
    const mark = randomBytes(8).toString('hex');
    const child = execa(full[0] as string, full.slice(1), {
      reject: false,
      stripFinalNewline: false,
      buffer: false,
      all: options.log !== undefined,
      env: { LC_ALL: 'C', ...ownEnvironment(), [COMMAND_MARK]: mark, ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.input === undefined ? { stdin: 'ignore' as const } : { input: options.input }),
    });
    const log =
      options.log === undefined ? undefined : createWriteStream(options.log, { flags: 'a', mode: 0o600 });
    // Whoever reads the log afterwards finds all of it; one that can't be written does not fail the command.
    const logged = log && child.all ? finished(child.all.pipe(log)).catch(() => undefined) : undefined;
    // Not by execa, which would make an error's text of all of it.
    const budget = new Budget();
    let ended: 'timed out' | 'called off' | 'flooded' | undefined;
    let linger: NodeJS.Timeout | undefined;
    const end = (why: typeof ended): void => {
      if (ended !== undefined) return;
      ended = why;
      if (child.pid !== undefined) killMarked(child.pid, mark);
      // What does not bear the mark any more may hold its output for ever.
      linger = setTimeout(() => {
        for (const stream of [child.stdin, child.stdout, child.stderr, child.all]) stream?.destroy();
        log?.end();
      }, LINGER);
    };
    const callOff = (): void => end('called off');
    budget.onSpent = () => end('flooded');
    const timer = setTimeout(() => end('timed out'), options.timeout ?? DEFAULT_TIMEOUT);
    options.signal?.addEventListener('abort', callOff);
    if (options.signal?.aborted) callOff();
    const [out, err] = [child.stdout, child.stderr].map((stream) => gather(stream, budget));
    const result = await child;
    clearTimeout(timer);
    options.signal?.removeEventListener('abort', callOff);
    await logged;
    clearTimeout(linger);
    const [stdout, stderr] = [Buffer.concat(out ?? []).toString(), Buffer.concat(err ?? []).toString()];
    const exitCode = result.exitCode;
    const fine = exitCode === 0 || (exitCode !== undefined && options.accept?.includes(exitCode));
    if (!fine || ended !== undefined || result.isTerminated) {
      throw new CommandError(
        this.name,
        argv,
        {
          exitCode,
          signal: result.signal,
          timedOut: ended === 'timed out',
          flooded: ended === 'flooded',
          code: (result as { code?: string }).code,
          stdout,
          stderr,
        },
        options.log,
      );
    }
    return { exitCode, stdout, stderr, duration: performance.now() - started };
  }

  async start(argv: readonly string[], options: StartOptions): Promise<number> {
    const { spawn } = await import('node:child_process');
    await fs.mkdir(dirname(options.log), { recursive: true });
    const log = await fs.open(options.log, 'a', 0o600);
    try {
      const full = enterNamespace(this.netns, argv);
      this.onRun?.(full);
      const [program = '', ...words] = withoutStrays(full);
      const child = spawn(program, words, {
        detached: true,
        stdio: ['ignore', log.fd, log.fd],
        env: { ...CLEAN_ENVIRONMENT, ...options.env },
        cwd: options.cwd ?? '/',
      });
      await new Promise<void>((resolve, reject) => {
        child.once('spawn', resolve);
        child.once('error', (error: NodeJS.ErrnoException) => {
          reject(new CommandError(this.name, argv, { code: error.code, stdout: '', stderr: '' }));
        });
      });
      child.unref();
      return child.pid as number;
    } finally {
      await log.close();
    }
  }

  read(path: string): Promise<Buffer> {
    return readBounded(path, { most: LONGEST_OUTPUT });
  }

  async write(path: string, data: string | Uint8Array, mode = 0o644): Promise<void> {
    await fs.mkdir(dirname(path), { recursive: true });
    const temporary = temporaryBeside(path);
    try {
      const file = await fs.open(temporary, 'wx', mode);
      try {
        await file.writeFile(data);
        await file.sync();
      } finally {
        await file.close();
      }
      await fs.rename(temporary, path);
    } catch (error) {
      await fs.rm(temporary, { force: true });
      // The system tells no path of what was open already.
      if (error instanceof Error && !('path' in error)) Object.assign(error, { path });
      throw error;
    }
  }

  async remove(...paths: string[]): Promise<void> {
    for (const path of paths) await removeTree(path);
  }

  async list(path: string): Promise<string[]> {
    try {
      return (await fs.readdir(path)).sort();
    } catch (error) {
      if (isMissingFile(error)) return [];
      throw error;
    }
  }

  async readAll(path: string, suffix: string): Promise<Map<string, Buffer | Unread>> {
    const names = (await this.list(path)).filter((name) => name.endsWith(suffix));
    const files = await Promise.all(
      names.map(async (name) => {
        const file = join(path, name);
        try {
          return [[name, await readOneOfAll(file)] as const];
        } catch (error) {
          if (!isMissingFile(error)) throw error;
          return (await isLink(file)) ? [[name, 'no file'] as const] : [];
        }
      }),
    );
    return new Map(files.flat());
  }

  async readEach(path: string, name: string): Promise<Map<string, string>> {
    const found = await Promise.all(
      (await this.list(path)).map(async (folder) => {
        const text = await readIfThere(this, join(path, folder, name));
        return text === undefined ? [] : [[folder, text.toString()] as const];
      }),
    );
    return new Map(found.flat());
  }

  async stat(path: string): Promise<FileFacts | undefined> {
    try {
      const facts = await fs.stat(path);
      const kind = facts.isFile()
        ? 'file'
        : facts.isDirectory()
          ? 'directory'
          : facts.isBlockDevice()
            ? 'block'
            : 'other';
      return { kind, size: facts.size, blocks: facts.blocks, uid: facts.uid };
    } catch (error) {
      if (isMissingFile(error)) return undefined;
      throw error;
    }
  }

  async put(local: string, remote: string): Promise<void> {
    await fs.mkdir(dirname(remote), { recursive: true });
    const temporary = temporaryBeside(remote);
    try {
      await fs.cp(local, temporary, { recursive: true, mode: constants.COPYFILE_FICLONE });
      await fs.rename(temporary, remote);
    } catch (error) {
      await removeTree(temporary);
      throw error;
    }
  }

  get(remote: string, local: string): Promise<void> {
    return this.put(remote, local);
  }

  async facts(): Promise<HostFacts> {
    const boot = await fs.readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(noneIfMissing);
    return {
      hostname: hostname(),
      system: process.platform === 'linux' ? 'Linux' : process.platform,
      kernel: release(),
      machine: process.arch === 'x64' ? 'x86_64' : process.arch,
      uid: process.getuid?.() ?? -1,
      bootId: boot.trim(),
    };
  }

  async lock(path: string, wait: number): Promise<HostLock> {
    const { spawn } = await import('node:child_process');
    const child = spawn('sh', ['-c', LOCK, 'aoe-lab-lock', ...lockArguments(path, wait)], {
      env: { ...process.env, ...ownEnvironment(), LC_ALL: 'C' },
    });
    let said = '';
    child.stderr.on('data', (chunk) => {
      said += chunk;
    });
    const ended = new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    let take: () => void = () => {};
    const taken = new Promise<'taken'>((resolve) => {
      take = () => resolve('taken');
    });
    const talk = new LockTalk(`taking the lock ${path}`, wait, take);
    child.stdout.on('data', (chunk: Buffer) => talk.add(chunk));
    const outcome = await Promise.race([taken, ended]);
    if (outcome !== 'taken') throw talk.refusal(outcome, said);
    // Where it is not given back, it ends with this process.
    const streams = [child, child.stdin, child.stdout, child.stderr] as { ref?(): void; unref?(): void }[];
    for (const one of streams) one.unref?.();
    return {
      isHeld: () => child.exitCode === null && child.signalCode === null,
      release: async () => {
        for (const one of streams) one.ref?.();
        child.stdin.end();
        await ended;
      },
    };
  }

  async stateFolder(): Promise<string> {
    const { AOE_LAB_STATE, XDG_STATE_HOME } = process.env;
    const isRoot = process.getuid?.() === 0;
    if (AOE_LAB_STATE || isRoot) {
      return requireOwn(AOE_LAB_STATE || '/var/lib/aoe-lab', 'the state folder', 'AOE_LAB_STATE');
    }
    return join(XDG_STATE_HOME || join(homedir(), '.local', 'state'), 'aoe-lab');
  }
}

/** This machine, in its own network namespace. */
export const here = new LocalHost();

/** @returns what comes, as far as it may */
function gather(stream: Readable, budget: Budget): Buffer[] {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => {
    if (budget.take(chunk)) chunks.push(chunk);
  });
  return chunks;
}

async function readOneOfAll(path: string): Promise<Buffer | Unread> {
  let fault: Unread = 'too long';
  const judge = (facts: Stats): string | undefined => {
    if (facts.isFile()) return undefined;
    fault = 'no file';
    return fault;
  };
  try {
    return await readBounded(path, { most: LONGEST_OF_ALL, judge });
  } catch (error) {
    // A socket can't be opened at all.
    if ((error as NodeJS.ErrnoException).code === 'ENXIO') return 'no file';
    if (error instanceof UnfitFileError) return fault;
    throw error;
  }
}

/** What is being written to a path; one of a killed process is told by its name (see `isTemporary`). */
function temporaryBeside(path: string): string {
  return join(dirname(path), temporaryName(basename(path)));
}

/** Of a system that has no such file. */
function noneIfMissing(error: unknown): string {
  if (isMissingFile(error)) return '';
  throw error;
}

function isMissingFile(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

/** False where it went meanwhile. */
async function isLink(path: string): Promise<boolean> {
  try {
    return (await fs.lstat(path)).isSymbolicLink();
  } catch (error) {
    if (isMissingFile(error)) return false;
    throw error;
  }
}

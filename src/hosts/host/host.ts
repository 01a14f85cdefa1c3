/**
 * Where things run. One interface for this machine, a network namespace on it, and a host over SSH:
 * the stages above never build shell strings and never ask where they are.
 */
import { randomBytes } from 'node:crypto';

export interface RunOptions {
  cwd?: string;
  /** Added to the environment of the host. */
  env?: Readonly<Record<string, string>>;
  /** Sent to standard input. Default: nothing. */
  input?: string | Uint8Array;
  /** Milliseconds; the command is killed after it and counts as failed. Default 60,000. */
  timeout?: number;
  /** Exit codes other than 0 that are answers rather than failures. */
  accept?: readonly number[];
  /** A local file that receives standard output and standard error as they come, appended. */
  log?: string;
  signal?: AbortSignal;
}

export interface RunResult {
  exitCode: number;
  stdout: string;
  stderr: string;
  /** Milliseconds. */
  duration: number;
}

export interface StartOptions {
  /** All of its environment, beside what any program needs (see clean-start.ts). */
  env: Readonly<Record<string, string>>;
  /** File on the host that receives standard output and standard error, appended. */
  log: string;
  cwd?: string;
}

export interface TransferOptions {
  /** Told of bytes copied so far, and of how many there are (0 if that is not known), where they go over a wire. */
  onProgress?: ((done: number, total: number) => void) | undefined;
  /** Calls it off where it goes over a wire; nothing is left of it. */
  signal?: AbortSignal | undefined;
}

/** One file or folder on its way over a wire, as it is shown to a person. */
export interface TransferShown {
  /** @param done bytes so far @param total 0 if it is not known */
  update(done: number, total: number): void;
  end(): void;
}

/** `no file`: a folder, a pipe, a link that leads nowhere · `too long`: longer than `LONGEST_OF_ALL` */
export type Unread = 'no file' | 'too long';

/** Bytes of a file among those that are read all together. */
export const LONGEST_OF_ALL = 1 << 20;

export interface FileFacts {
  kind: 'file' | 'directory' | 'block' | 'other';
  /** Bytes; of a block device, 0. */
  size: number;
  /** Blocks of 512 bytes that the file really occupies. */
  blocks: number;
  uid: number;
}

export interface HostFacts {
  hostname: string;
  /** `uname -s`, `-r`, `-m`. */
  system: string;
  kernel: string;
  machine: string;
  uid: number;
  /** Changes at each boot: what was recorded before it is gone. */
  bootId: string;
}

/** What is being written under a file name, until it is whole; it lies in the same folder. */
export function temporaryName(name: string): string {
  return `.${name}.${randomBytes(6).toString('hex')}.tmp`;
}

/** Whether a file name is that of something half written, by `write` or `put` of a process that was killed. */
export function isTemporary(name: string): boolean {
  return /^\..+\.[0-9a-f]{12}\.tmp$/.test(name);
}

/** A lock held until `release`, or until this process ends in any way. */
export interface HostLock {
  /** False once it was given back, or lost with the connection. */
  isHeld(): boolean;
  release(): Promise<void>;
}

export interface Host {
  /** How messages call it: `here`, `here (namespace lab)`, `user@host`. */
  readonly name: string;
  /** Whether it is this machine, so that this process can open its network interfaces itself. */
  readonly isHere: boolean;
  /** The network namespace commands run in; undefined is the host's own. */
  readonly netns: string | undefined;
  /** The same host with its commands in a named network namespace, or (undefined) in its own. */
  inNamespace(netns: string | undefined): Host;

  /**
   * Runs a command to its end.
   * @throws CommandError if it can't be started, ends by a signal or time limit, or with an exit code that is neither 0 nor in `accept`
   */
  run(argv: readonly string[], options?: RunOptions): Promise<RunResult>;
  /** Starts a process that outlives this one, in a session of its own, with a clean environment. Returns its process id. */
  start(argv: readonly string[], options: StartOptions): Promise<number>;

  /** @throws an error with `code` ENOENT if there is none */
  read(path: string): Promise<Buffer>;
  /** Replaces a file atomically (temporary file beside it, fsync, rename); makes its folder. */
  write(path: string, data: string | Uint8Array, mode?: number): Promise<void>;
  /** Removes files and folders with all in them; silent of what is not there. */
  remove(...paths: string[]): Promise<void>;
  /** Names in a folder, sorted; empty if there is none. */
  list(path: string): Promise<string[]>;
  /**
   * Names and contents of what is in a folder and called so at the end, sorted by name; of what can't be taken for a file, why.
   * Empty if there is no folder.
   */
  readAll(path: string, suffix: string): Promise<Map<string, Buffer | Unread>>;
  /**
   * Texts of the files of one name in the folders of a folder, by the folder's name; as of control files of the kernel's, which
   * tell no size. Empty if there is none.
   */
  readEach(path: string, name: string): Promise<Map<string, string>>;
  /** Undefined if there is nothing at that path. */
  stat(path: string): Promise<FileFacts | undefined>;
  /** Copies a local file or folder to the host, atomically; a folder must not be there yet. */
  put(local: string, remote: string, options?: TransferOptions): Promise<void>;
  /** Copies a file or folder of the host here. */
  get(remote: string, local: string, options?: TransferOptions): Promise<void>;

  facts(): Promise<HostFacts>;
  /**
   * Takes an exclusive lock named by a file (made if missing) or folder on the host, waiting for it if need be.
   * @param wait milliseconds
   * @throws LabError when it is still taken after `wait`
   */
  lock(path: string, wait: number): Promise<HostLock>;
  /** Folder that holds the truth about this host's exports. */
  stateFolder(): Promise<string>;
}

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cacheFolder, programsFolder } from '../../../src/base/files/paths.js';
import { runHere } from '../../face/cli/in-process.js';

export const MAIN = join(programsFolder, 'aoe-lab.cjs');

export interface CliResult {
  exitCode: number | null;
  signal: string | null;
  stdout: string;
  stderr: string;
}

export interface CliOptions {
  input?: Buffer;
  /** Milliseconds. */
  killAfter?: number;
  /** What goes before the command's words, such as `ip netns exec NETNS`; it must become the command (exec). */
  inside?: (argv: readonly string[]) => string[];
}

/** Process ids of commands that have ended. */
export const ended: number[] = [];

/** Runs the command line tool in a process of its own; the store is the suite's, whatever home `env` gives. */
export function cli(
  args: readonly string[],
  env: Record<string, string>,
  { input, killAfter, inside = (argv) => [...argv] }: CliOptions = {},
): Promise<CliResult> {
  return new Promise((resolve, reject) => {
    const [program = '', ...words] = inside([process.execPath, MAIN, ...args]);
    const store = { AOE_LAB_CACHE: cacheFolder() };
    const child = spawn(program, words, { env: { ...process.env, NO_COLOR: '1', ...store, ...env } });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    child.once('error', reject);
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    if (killAfter !== undefined) void sleep(killAfter).then(() => child.kill('SIGKILL'));
    // Resolves only once the pipes are closed: a daemon that inherited them would make the test hang and be noticed.
    child.once('close', (exitCode, signal) => {
      if (child.pid !== undefined) ended.push(child.pid);
      resolve({
        exitCode,
        signal,
        stdout: Buffer.concat(out).toString(),
        stderr: Buffer.concat(err).toString(),
      });
    });
  });
}

/** Milliseconds; longer than a test may take. */
const PATIENCE = 600_000;
let before: Promise<unknown> = Promise.resolve();

/**
 * The same without a process of its own, which costs more than most commands do: where neither that nor what it prints
 * meanwhile is the point. One at a time: environment and streams are this process's.
 */
export function cliHere(args: readonly string[], env: Record<string, string>): Promise<CliResult> {
  const ran = before.then(() => inEnvironment(args, { NO_COLOR: '1', AOE_LAB_CACHE: cacheFolder(), ...env }));
  before = ran.catch(() => {});
  return ran;
}

async function inEnvironment(args: readonly string[], env: Record<string, string>): Promise<CliResult> {
  const kept = Object.keys(env).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, env);
  try {
    const { exitCode, stdout, stderr } = await runHere(args, PATIENCE);
    return { exitCode: exitCode ?? null, signal: null, stdout, stderr };
  } finally {
    for (const [name, value] of kept) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
}

/** Runs a command that must succeed and print JSON. */
export async function cliJson<T>(args: readonly string[], env: Record<string, string>): Promise<T> {
  return printed(args, await cli([...args, '--json'], env));
}

/** The same by cliHere. */
export async function jsonHere<T>(args: readonly string[], env: Record<string, string>): Promise<T> {
  return printed(args, await cliHere([...args, '--json'], env));
}

function printed<T>(args: readonly string[], result: CliResult): T {
  if (result.exitCode !== 0) {
    throw new Error(
      `aoe-lab ${args.join(' ')} ended with ${result.exitCode}: ${result.stderr}${result.stdout}`,
    );
  }
  return JSON.parse(result.stdout) as T;
}

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cacheFolder, programsFolder } from '../../src/paths.js';

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
    child.once('close', (exitCode, signal) =>
      resolve({
        exitCode,
        signal,
        stdout: Buffer.concat(out).toString(),
        stderr: Buffer.concat(err).toString(),
      }),
    );
  });
}

/** Runs a command that must succeed and print JSON. */
export async function cliJson<T>(args: readonly string[], env: Record<string, string>): Promise<T> {
  const result = await cli([...args, '--json'], env);
  if (result.exitCode !== 0) {
    throw new Error(
      `aoe-lab ${args.join(' ')} ended with ${result.exitCode}: ${result.stderr}${result.stdout}`,
    );
  }
  return JSON.parse(result.stdout) as T;
}

/** The command line in this process: quick enough for a thousand runs, with all it prints, and nothing of the machine in reach. */

import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { Readable } from 'node:stream';
import type { ExecutionContext } from 'ava';
import { run } from '../../../src/face/cli/run.js';

export interface Ran {
  exitCode: number | undefined;
  output: string;
  stdout: string;
  stderr: string;
}

/** What only looks. */
const TOOLS = [
  'cat',
  'chmod',
  'env',
  'find',
  'findmnt',
  'flock',
  'grep',
  'id',
  'ls',
  'lsblk',
  'mkdir',
  'mv',
  'readlink',
  'realpath',
  'sed',
  'sh',
  'sync',
  'ssh',
  'stat',
  'true',
  'uname',
];

/**
 * A machine without tools that change it: state, store, home, temporary files and the working folder lie in a folder that is
 * removed with the test.
 */
export async function shelter(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'aoe-lab-words-'));
  const before = { ...process.env };
  const where = process.cwd();
  t.teardown(async () => {
    process.chdir(where);
    process.env = before;
    await rm(folder, { recursive: true, force: true });
  });
  const at = (name: string): string => join(folder, name);
  for (const name of ['bin', 'home', 'tmp', 'work']) await mkdir(at(name));
  for (const tool of TOOLS) {
    const found = (before.PATH ?? '')
      .split(delimiter)
      .map((one) => join(one, tool))
      .find(existsSync);
    if (found !== undefined) await symlink(found, join(at('bin'), tool));
  }
  process.env = {
    PATH: at('bin'),
    HOME: at('home'),
    TMPDIR: at('tmp'),
    AOE_LAB_STATE: at('state'),
    AOE_LAB_CACHE: at('store'),
    XDG_CONFIG_HOME: at('config'),
    NO_COLOR: '1',
  };
  process.chdir(at('work'));
  await writeFile(at('file'), '');
  await writeFile(at('noise'), Buffer.from(Array.from({ length: 2000 }, (_, index) => (index * 7919) % 256)));
  await mkdir(at('folder'));
  await symlink('loop', at('loop'));
  await symlink('nothing', at('dangling'));
  return folder;
}

/** @param patience milliseconds; exitCode is undefined if it has not ended by then */
export async function runHere(argv: readonly string[], patience: number): Promise<Ran> {
  const [out, err] = [process.stdout.write, process.stderr.write];
  const input = Object.getOwnPropertyDescriptor(process, 'stdin') as PropertyDescriptor;
  Object.defineProperty(process, 'stdin', { ...input, get: () => Readable.from([]) });
  const said = { output: '', stdout: '', stderr: '' };
  const take = (from: 'stdout' | 'stderr') => (bytes: string | Uint8Array) => {
    const text = typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString();
    said.output += text;
    said[from] += text;
    return true;
  };
  Object.assign(process.stdout, { write: take('stdout') });
  Object.assign(process.stderr, { write: take('stderr') });
  process.exitCode = undefined;
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), patience);
  });
  try {
    return { exitCode: await Promise.race([run(argv), tooLong]), ...said };
  } finally {
    clearTimeout(timer);
    Object.defineProperty(process, 'stdin', input);
    Object.assign(process.stdout, { write: out });
    Object.assign(process.stderr, { write: err });
    process.exitCode = undefined;
  }
}

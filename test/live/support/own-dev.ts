/** A /dev of the test's own, in a mount namespace: links to disks can be made there as udev makes them, and nobody else sees them. */
import { execFileSync } from 'node:child_process';
import { mkdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { here } from '../../../src/hosts/host/local.js';
import { attachLoop, detachLoop, listLoops } from '../../../src/serve/storage/loop.js';
import { temporaryFolder } from '../../base/temporary.js';

export interface OwnDev {
  /** Puts a command into the namespace; it becomes the command. */
  inside(argv: readonly string[]): string[];
  /** Runs a command there. @returns what it prints */
  run(...argv: string[]): string;
}

export async function ownDev(t: ExecutionContext): Promise<OwnDev> {
  const folder = await temporaryFolder(t);
  const holder = join(folder, 'ns');
  await mkdir(join(folder, 'dev'));
  await writeFile(holder, '');
  // The file that a namespace is kept by must lie on a mount that is not shared with it.
  execFileSync('mount', ['--bind', folder, folder]);
  execFileSync('mount', ['--make-private', folder]);
  t.teardown(() => {
    for (const path of [holder, folder]) execFileSync('umount', ['--lazy', path]);
  });
  execFileSync('unshare', [`--mount=${holder}`, '--propagation', 'private', 'true']);
  const inside = (argv: readonly string[]): string[] => ['nsenter', `--mount=${holder}`, ...argv];
  const run = (...argv: string[]): string => {
    const [program = '', ...words] = inside(argv);
    return execFileSync(program, words, { encoding: 'utf8' });
  };
  const own = join(folder, 'dev');
  run('mount', '-t', 'tmpfs', 'none', own);
  run(
    'sh',
    '-c',
    `cp -a /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/loop* ${own}; mkdir -p ${own}/shm ${own}/disk/by-id`,
  );
  run('mount', '--bind', own, '/dev');
  return { inside, run };
}

/** A loop device on a file of so many bytes; it is there as long as the test lasts, or until `detach`. */
export async function loopOn(t: ExecutionContext, file: string, size = 1 << 23): Promise<string> {
  await writeFile(file, '', { flag: 'a' });
  await truncate(file, size);
  const device = await attachLoop(here, file, { readOnly: false, directIo: false });
  t.teardown(() => detachFrom(file));
  return device;
}

/** Detaches whatever loop devices a file has: by number alone, one that is gone by then may be another test's. */
export async function detachFrom(file: string): Promise<void> {
  for (const loop of await listLoops(here, file)) await detachLoop(here, loop.device).catch(() => {});
}

/** A file system that can be stopped, filled and damaged. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { packageRoot } from '../../../src/base/files/paths.js';
import { here } from '../../../src/hosts/host/local.js';
import { noRoot } from './machine.js';

/** Undefined, or why there can be no such file system here. */
export function noFuse(): string | undefined {
  return noRoot() ?? (existsSync('/dev/fuse') ? undefined : 'needs /dev/fuse');
}

export interface Fuse {
  /** Holds files `disk0` to `disk9`, each filled with the number of its inode, from 2 on. */
  folder: string;
  /** Its server answers nothing, as one that is gone. */
  stop(): Promise<void>;
  /** It answers again, also what it was asked meanwhile. */
  resume(): Promise<void>;
}

/** @param options.bad a byte that can't be read @param options.full the first byte that can't be written */
export async function fuse(
  t: ExecutionContext,
  parent: string,
  options: { size: number; bad?: number; full?: number },
): Promise<Fuse> {
  const folder = join(parent, 'fuse');
  await mkdir(folder);
  const device = await open('/dev/fuse', 'r+');
  const { size, bad = -1, full = Number.MAX_SAFE_INTEGER } = options;
  const server = join(packageRoot, 'dist', 'test', 'live', 'support', 'fuse-server.js');
  const flag = join(parent, 'fuse-stop');
  const argv = ['--pdeathsig', 'KILL', process.execPath, server, flag, ...[size, bad, full].map(String)];
  const child = spawn('setpriv', argv, { stdio: ['ignore', 'inherit', 'inherit', device.fd] });
  t.teardown(async () => {
    // Whoever waits for it is told that it is gone.
    child.kill('SIGKILL');
    await here.run(['umount', '-l', folder], { accept: [1, 32] });
  });
  const how = `fd=3,rootmode=40000,user_id=0,group_id=0,allow_other`;
  const mount = spawn('mount', ['-i', '-t', 'fuse', '-o', how, 'aoe-lab-test', folder], {
    stdio: ['ignore', 'inherit', 'inherit', device.fd],
  });
  const code = await new Promise<number | null>((resolve) => mount.once('close', resolve));
  if (code !== 0) throw new Error(`mount ended with ${code}`);
  await device.close();
  return {
    folder,
    stop: async () => {
      await writeFile(flag, '');
      // It looks for the flag between two requests.
      void stat(join(folder, 'disk9')).catch(() => {});
      while (!/\) T /.test(await readFile(`/proc/${child.pid}/stat`, 'latin1'))) await sleep(5);
    },
    resume: async () => {
      await rm(flag);
      child.kill('SIGCONT');
    },
  };
}

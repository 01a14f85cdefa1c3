import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * A temporary folder for one run, named after this process; removes those of runs of the same purpose that were killed.
 * @param purpose part of the name, such as `demo`
 */
export async function makeRunFolder(purpose: string): Promise<string> {
  const prefix = `aoe-lab-${purpose}-`;
  for (const name of await readdir(tmpdir())) {
    const pid = new RegExp(`^${prefix}(\\d+)-`).exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) {
      // One of another user's stays.
      await rm(join(tmpdir(), name), { recursive: true, force: true }).catch(() => {});
    }
  }
  return mkdtemp(join(tmpdir(), `${prefix}${process.pid}-`));
}

/** Whether there is such a process, another user's too. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

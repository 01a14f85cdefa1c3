/**
 * Work in progress lies in `tmp/` of the store until it is renamed into place. A folder's name carries its owner
 * (PID namespace, process id, start time), so that what a killed process left is found and removed.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, readlink, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder } from '../../base/files/paths.js';
import { startTicks } from '../../base/process-start.js';

/** Owners in other PID namespaces can't be looked at: theirs are left alone for this long (milliseconds). */
const FOREIGN_AGE = 24 * 3600_000;

let made = 0;

/** Runs `use` with a new empty folder of the store, which is gone afterwards in any case. */
export async function withWorkFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  await collectGarbage();
  const { namespace, started } = await owner(process.pid);
  const name = [namespace, process.pid, started, `${made++}${randomBytes(4).toString('hex')}`].join('-');
  const folder = join(cacheFolder(), 'tmp', name);
  await mkdir(folder, { recursive: true });
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Removes what processes left that are no longer there. */
export async function collectGarbage(): Promise<void> {
  const parent = join(cacheFolder(), 'tmp');
  for (const name of await readdir(parent).catch(() => [])) {
    const path = join(parent, name);
    if (await isAbandoned(name, path)) await rm(path, { recursive: true, force: true }).catch(() => {});
  }
}

async function isAbandoned(name: string, path: string): Promise<boolean> {
  const [namespace, pid, started] = name.split('-');
  if (namespace !== (await owner(process.pid)).namespace) {
    const facts = await stat(path).catch(() => undefined);
    return facts !== undefined && Date.now() - facts.mtimeMs > FOREIGN_AGE;
  }
  return (await owner(Number(pid))).started !== started;
}

/** `started` as of `startTicks`; empty where there is no such process. */
async function owner(pid: number): Promise<{ namespace: string; started: string }> {
  const link = await readlink('/proc/self/ns/pid').catch(() => '');
  const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return { namespace: link.replace(/\D/g, '') || '0', started: startTicks(status) };
}

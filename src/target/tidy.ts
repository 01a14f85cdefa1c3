import { posix } from 'node:path';
import { driverFor } from './driver.js';
import type { EntryStore, ExportEntry } from './entry.js';
import { recordPath } from './run-record.js';

/** An entry and, while two targets change places, the other one. */
export function withOther(entry: ExportEntry): ExportEntry[] {
  return entry.migration === undefined ? [entry] : [entry, entry.migration.other];
}

/**
 * Removes copies of builds, daemons' folders and links to disks that belong to no entry; to be called under the lock. `undo`
 * leaves them, a target that gave its place to another one, and a command that was killed meanwhile. Logs outlive their
 * exports: they go after 14 days, or where there is nothing in them.
 */
export async function tidy(store: EntryStore): Promise<void> {
  const entries = (await store.all()).flatMap(withOther);
  const wanted = new Set(
    entries.flatMap((entry) => {
      const driver = driverFor(store, entry);
      const log = driver.logPath(entry);
      const record = recordPath(store, posix.basename(log, '.log'));
      return [log, record, driver.mark(entry), store.artifactsFolder(entry.build), entry.backing.opens];
    }),
  );
  for (const kind of ['artifacts', 'daemons', 'disks']) {
    const folder = posix.join(store.folder, kind);
    for (const name of await store.host.list(folder)) {
      const path = posix.join(folder, name);
      if (!wanted.has(path)) await store.host.remove(path);
    }
  }
  for (const path of await outdated(store)) if (!wanted.has(path)) await store.host.remove(path);
  const logs = posix.join(store.folder, 'logs');
  if (entries.length === 0) await store.host.run(['sh', '-c', 'rmdir "$1" 2>/dev/null || :', 'sh', logs]);
}

/** Days. */
const LOGS_KEPT = 14;

/** Logs that are old or empty, and records of processes (see run-record.ts), which lie beside them. */
async function outdated({ host, folder }: EntryStore): Promise<string[]> {
  const logs = posix.join(folder, 'logs');
  if ((await host.stat(logs)) === undefined) return [];
  const argv = [
    'find',
    logs,
    '-type',
    'f',
    '(',
    '-mtime',
    `+${LOGS_KEPT - 1}`,
    '-o',
    '-size',
    '0',
    '-o',
    '-name',
    '*.run',
    ')',
  ];
  return (await host.run(argv)).stdout.split('\n').filter(Boolean);
}

import { posix } from 'node:path';
import { driverFor } from './driver.js';
import type { EntryStore, ExportEntry } from './entry.js';
import { recordPath } from './run-record.js';

/** An entry and, while two targets change places, the other one. */
export function withOther(entry: ExportEntry): ExportEntry[] {
  return entry.migration === undefined ? [entry] : [entry, entry.migration.other];
}

/**
 * Removes copies of builds, logs and daemons' folders that belong to no entry; to be called under the lock. `undo` leaves
 * them, a target that gave its place to another one, and a command that was killed meanwhile.
 */
export async function tidy(store: EntryStore): Promise<void> {
  const entries = (await store.all()).flatMap(withOther);
  const wanted = new Set(
    entries.flatMap((entry) => {
      const driver = driverFor(store, entry);
      const log = driver.logPath(entry);
      const record = recordPath(store, posix.basename(log, '.log'));
      return [log, driver.mark(entry), store.artifactsFolder(entry.build), record];
    }),
  );
  for (const kind of ['artifacts', 'logs', 'daemons']) {
    const folder = posix.join(store.folder, kind);
    for (const name of await store.host.list(folder)) {
      const path = posix.join(folder, name);
      if (!wanted.has(path)) await store.host.remove(path);
    }
  }
}

import { posix } from 'node:path';
import { driverFor } from './drivers.js';
import type { EntryStore, ExportEntry } from './entry.js';
import { CUT_LOGS } from './log-size.js';
import { recordPath } from './run-record.js';

/** An entry and, while two targets change places, the other one. */
export function withOther(entry: ExportEntry): ExportEntry[] {
  return entry.migration === undefined ? [entry] : [entry, entry.migration.other];
}

/**
 * Removes copies of builds, daemons' folders and links to disks that belong to no entry; to be called under the lock. `undo`
 * leaves them, a target that gave its place to another one, and a command that was killed meanwhile. Logs outlive their
 * exports: they go after 14 days, or where there is nothing in them; what has grown too long is cut.
 */
export async function collectGarbage(store: EntryStore): Promise<void> {
  const entries = (await store.all()).flatMap(withOther);
  const wanted = new Set(
    entries.flatMap((entry) => {
      const driver = driverFor(store, entry);
      const log = driver.logPath(entry);
      const record = recordPath(store, posix.basename(log, '.log'));
      return [log, record, driver.mark(entry), store.artifactsFolder(entry.build), entry.backing.opens];
    }),
  );
  const found = await removable(store, entries.length === 0);
  const surplus = found.filter((path) => !wanted.has(path));
  if (surplus.length === 0) return;
  await store.host.remove(...surplus);
  if (entries.length === 0) await store.host.run(['sh', '-c', REMOVE_LOGS, 'sh', store.folder]);
}

/** The folder of logs, where it is empty. */
const REMOVE_LOGS = 'rmdir "$1/logs" 2>/dev/null || :';

/** Days. */
const LOGS_KEPT = 14;

/**
 * State folder, and whether nothing is exported: what is in those folders, each path with a NUL behind it; then, in lines, logs
 * that are old or empty, and records of processes (see run-record.ts), which lie beside them.
 */
const REMOVABLE = `cd "$1" || exit 1
for folder in artifacts daemons disks; do
  [ -d $folder ] || continue
  [ -r $folder ] && [ -x $folder ] || { echo "$1/$folder: Permission denied" >&2; exit 1; }
  for f in $folder/* $folder/.[!.]*; do if [ -e "$f" ] || [ -L "$f" ]; then printf '%s\\0' "$1/$f"; fi; done
done
[ -d logs ] || exit 0
[ "$2" = false ] || ! rmdir logs 2>/dev/null || exit 0
${CUT_LOGS}
find "$1/logs" -type f '(' -mtime +${LOGS_KEPT - 1} -o -size 0 -o -name '*.run' ')'`;

async function removable({ host, folder }: EntryStore, isLast: boolean): Promise<string[]> {
  const { stdout } = await host.run(['sh', '-c', REMOVABLE, 'sh', folder, String(isLast)]);
  const paths = stdout.split('\0');
  const logs = (paths.pop() ?? '').split('\n');
  return [...paths, ...logs].filter(Boolean);
}

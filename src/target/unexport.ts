import { UsageError } from '../errors.js';
import type { Host } from '../host/host.js';
import { EntryStore, type ExportEntry, exportId } from './entry.js';
import { byRealNames } from './real-names.js';
import { type Recovery, recover } from './recover.js';
import { tidy } from './tidy.js';
import { type RemoveFile, type Undone, undo } from './undo.js';

export interface UnexportReport {
  unexported: Undone[];
  recovery: Recovery;
}

/**
 * Ends exports and removes what was made for them.
 * @param which ids or short names (`e0.1`, where only one interface serves it); undefined: all
 * @throws UsageError if one of them is not exported or a short name is ambiguous; then none is touched
 */
export async function unexportTargets(
  host: Host,
  which: readonly string[] | undefined,
  removeFiles: RemoveFile,
): Promise<UnexportReport> {
  const store = await EntryStore.open(host);
  const lock = await store.lock();
  try {
    const before = await store.all();
    const names = await byRealNames(host, before, which ?? before.map(exportId));
    // Named before the recovery, so that a half made export can be named as well.
    const chosen = new Set(selectEntries(before, names).map(exportId));
    const recovery = await recover(store);
    const unexported: Undone[] = [];
    try {
      for (const entry of await store.all()) {
        if (chosen.has(exportId(entry))) unexported.push(await undo(store, entry, removeFiles));
      }
    } finally {
      await tidy(store);
    }
    return { unexported, recovery };
  } finally {
    await lock.release();
  }
}

/** @throws UsageError as `unexportTargets` */
export function selectEntries(entries: readonly ExportEntry[], names: readonly string[]): ExportEntry[] {
  const chosen = new Map<string, ExportEntry>();
  for (const name of names) {
    const exact = entries.filter((entry) => exportId(entry) === name);
    const short = entries.filter((entry) => {
      const id = exportId(entry);
      return `e${entry.shelf}.${entry.slot}` === name || id.startsWith(`${name}%`);
    });
    const hits = exact.length > 0 ? exact : short;
    const [hit] = hits;
    if (hit === undefined || hits.length > 1) {
      const ids = (hits.length > 1 ? hits : entries).map(exportId);
      throw new UsageError({
        tried: `looking for the export ${name}`,
        happened: hit === undefined ? 'it is not exported here' : 'several interfaces serve it',
        next:
          ids.length > 0 ? `name one of ${ids.join(', ')}` : 'nothing is exported; aoe-lab export makes one',
      });
    }
    chosen.set(exportId(hit), hit);
  }
  return [...chosen.values()];
}

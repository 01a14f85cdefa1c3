/** Exports whose target is all that keeps a file which has no name any more, and that was written to: all of it goes with that. */
import { surveyStorage } from '../storage/survey.js';
import { servedThen } from './backing-faults.js';
import { meaningOf, namesOf } from './backing-now.js';
import { driverFor } from './drivers.js';
import { type EntryStore, type ExportEntry, exportId } from './entry.js';
import { openedBy } from './opened.js';
import { findProcesses } from './processes.js';

export interface LastHolder {
  id: string;
  /** As it was named. */
  file: string;
  /** Where it can be read from; undefined of one behind a loop device, which is read from that. */
  at: string | undefined;
}

export async function lastHolders(store: EntryStore, entries: readonly ExportEntry[]): Promise<LastHolder[]> {
  const { host } = store;
  const some = entries.filter(({ backing }) => backing.identity?.kind === 'file');
  if (some.length === 0) return [];
  const snapshot = await surveyStorage(host, some.flatMap(namesOf), 'names');
  const strange = some.filter((entry) => meaningOf(snapshot, entry)?.isSame !== true);
  if (strange.length === 0) return [];
  const processes = await findProcesses(host, store.folder);
  const pidsOf = (entry: ExportEntry): number[] => processes.get(driverFor(store, entry).mark(entry)) ?? [];
  const opened = await openedBy(host, [...new Set(strange.flatMap(pidsOf))]);
  return strange.flatMap((entry) => {
    const own = pidsOf(entry).flatMap((pid) => opened.get(pid) ?? []);
    const still = servedThen({ snapshot, opened: own }, entry);
    if (still === undefined || !('lost' in still) || still.isEmpty) return [];
    return [{ id: exportId(entry), file: entry.backing.name, at: still.at }];
  });
}

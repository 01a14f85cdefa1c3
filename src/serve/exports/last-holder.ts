/** Exports whose target is all that keeps a file which has no name any more, and that was written to: all of it goes with that. */
import { LabError } from '../../base/errors.js';
import { quoteArgv } from '../../hosts/host/quote.js';
import type { StorageSnapshot } from '../storage/snapshot.js';
import { surveyStorage } from '../storage/survey.js';
import { servedThen } from './backing-faults.js';
import { meaningOf, namesOf } from './backing-now.js';
import { daemonStatus, isAt } from './daemon-status.js';
import { driverFor } from './drivers.js';
import { type EntryStore, type ExportEntry, exportId } from './entry.js';
import { keyOf, openedBy } from './opened.js';
import { findProcesses } from './processes.js';

export interface LastHolder {
  id: string;
  /** As it was named. */
  file: string;
  /** Where it can be read from; undefined of one behind a loop device, which is read from that. */
  at: string | undefined;
  /** A process of its target that may not be looked into: the file may have another name all the same. */
  hidden?: number;
}

/** @param survey of the names of entries; asked for where it is not given */
export async function lastHolders(
  store: EntryStore,
  entries: readonly ExportEntry[],
  survey?: StorageSnapshot,
): Promise<LastHolder[]> {
  const { host } = store;
  const some = entries.filter(({ backing }) => backing.identity?.kind === 'file');
  if (some.length === 0) return [];
  const snapshot = survey ?? (await surveyStorage(host, some.flatMap(namesOf), 'names'));
  const strange = some.filter((entry) => meaningOf(snapshot, entry)?.isSame !== true);
  if (strange.length === 0) return [];
  const processes = await findProcesses(host, store.folder);
  const pidsOf = (entry: ExportEntry): number[] => processes.get(driverFor(store, entry).mark(entry)) ?? [];
  const { seen, hidden } = await openedBy(host, [...new Set(strange.flatMap(pidsOf))]);
  const found: LastHolder[] = [];
  for (const entry of strange) {
    const pids = pidsOf(entry);
    const told = { id: exportId(entry), file: entry.backing.name };
    const still = servedThen({ snapshot, opened: pids.flatMap((pid) => seen.get(pid) ?? []) }, entry);
    const unseen = pids.find((pid) => hidden.has(pid));
    if (still !== undefined) {
      if ('lost' in still && !still.isEmpty) found.push({ ...told, at: still.at });
    } else if (unseen !== undefined && !entry.backing.loop && (await mayServe(store, entry, pids))) {
      found.push({ ...told, at: undefined, hidden: unseen });
    }
  }
  return found;
}

/** Whether a target that can't be looked into may serve what the name of its export meant: unless it says otherwise. */
async function mayServe(store: EntryStore, entry: ExportEntry, pids: readonly number[]): Promise<boolean> {
  const { identity } = entry.backing;
  if (identity?.kind !== 'file' || entry.control.shape !== 'daemon') return true;
  const status = await daemonStatus(store.host, driverFor(store, entry).mark(entry), pids).catch(
    () => undefined,
  );
  const opened = status?.exports.find(isAt(entry))?.opened;
  return opened === undefined || opened === keyOf(identity);
}

/**
 * To be asked before a program opens all its files anew, or is ended, for one of its exports.
 * @param others whose names may mean something else now, and that the user did not name @param survey of their names
 * @throws LabError if one of them keeps what its name meant, and nothing else does
 */
export async function requireKept(
  store: EntryStore,
  tried: string,
  others: readonly ExportEntry[],
  survey: StorageSnapshot,
): Promise<void> {
  const holders = await lastHolders(store, others, survey);
  if (holders.length === 0) return;
  const ids = holders.map(({ id }) => id);
  throw new LabError({
    tried,
    happened: [...holders.map(lossOf), 'one target serves all of these; nothing was stopped'],
    next: [
      ...holders.flatMap(keepingOf),
      `then ${quoteArgv(['aoe-lab', 'restart', ...ids])}, which takes what the name means now`,
    ],
  });
}

/** What would be lost, a sentence each. */
export function lossOf({ id, file, hidden }: LastHolder): string {
  return hidden === undefined
    ? `${file} was removed, and lives on only as long as ${id} serves it: all that it holds would be lost`
    : `${file} was removed or replaced, and whether its former file lives on only as long as ${id} serves it can't be seen by this user: all that it holds may be lost`;
}

/** How to keep it. */
export function keepingOf({ file, at, hidden }: LastHolder): string[] {
  if (hidden !== undefined)
    return [`as root, ls -l /proc/${hidden}/fd tells where it is; copy it from there`];
  const copy = at && quoteArgv(['cp', '--sparse=always', at, `${file}.saved`]);
  return copy === undefined ? [] : [`once no initiator writes to it, keep it: ${copy}`];
}

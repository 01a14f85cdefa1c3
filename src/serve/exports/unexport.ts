import { UsageError } from '../../base/errors.js';
import type { Host } from '../../hosts/host/host.js';
import { EntryStore, type ExportEntry, exportId } from './entry.js';
import { collectGarbage } from './garbage.js';
import { keepingOf, lastHolders, lossOf } from './last-holder.js';
import { heirOf, usersOfMade } from './made-file.js';
import { byRealNames } from './real-names.js';
import { recentlyUsed } from './recent-use.js';
import { type Recovery, recover } from './recover.js';
import { exported, type StorageSurvey, surveyFor } from './suitability.js';
import { type RemoveFile, type Undone, undo } from './undo.js';

export interface UnexportReport {
  unexported: Undone[];
  recovery: Recovery;
}

/** What may speak against the end of an export. */
export type EndFinding = 'used' | 'removed';

/**
 * Ends exports and removes what was made for them.
 * @param which ids or short names (`e0.1`, where only one interface serves it); undefined: all
 * @param allow what is ended all the same: what an initiator has just used (see recent-use.ts), what alone keeps a file that
 *   was removed (see last-holder.ts); `true`, the default: all
 * @throws UsageError if one of them is not exported, a short name is ambiguous or one is in use; then none is touched
 */
export async function unexportTargets(
  host: Host,
  which: readonly string[] | undefined,
  removeFiles: RemoveFile,
  { allow = true }: { allow?: true | readonly EndFinding[] } = {},
): Promise<UnexportReport> {
  const store = await EntryStore.open(host);
  const lock = await store.lock();
  try {
    const before = await store.all();
    const names = await byRealNames(host, before, which ?? before.map(exportId));
    // Named before the recovery, so that a half made export can be named as well.
    const selected = selectEntries(before, names);
    if (allow !== true && !allow.includes('removed')) await refuseLastHolders(store, selected);
    if (allow !== true && !allow.includes('used')) await refuseUsed(store, selected);
    const chosen = new Set(selected.map(exportId));
    const recovery = await recover(store);
    const unexported: Undone[] = [];
    let asked: Promise<StorageSurvey> | undefined;
    const survey = () =>
      (asked ??= surveyFor(
        store,
        selected.map(({ backing }) => backing.path),
      ));
    try {
      for (const entry of await store.all()) {
        if (chosen.has(exportId(entry))) unexported.push(await undo(store, entry, removeFiles, { survey }));
      }
    } finally {
      await collectGarbage(store);
    }
    return { unexported, recovery };
  } finally {
    await lock.release();
  }
}

async function refuseLastHolders(store: EntryStore, entries: readonly ExportEntry[]): Promise<void> {
  const holders = await lastHolders(store, entries);
  if (holders.length === 0) return;
  throw new UsageError({
    tried: `ending ${holders.map(({ id }) => id).join(', ')}`,
    happened: holders.map(lossOf),
    next: [...holders.flatMap(keepingOf), 'or end it all the same by --allow removed'],
  });
}

async function refuseUsed(store: EntryStore, entries: readonly ExportEntry[]): Promise<void> {
  const used = await recentlyUsed(store, entries);
  if (used.length === 0) return;
  throw new UsageError({
    tried: `ending ${used.map(({ id }) => id).join(', ')}`,
    happened: used.map(({ id, seconds }) => `an initiator used ${id} ${seconds} s ago`),
    next: [
      'unmount it there first, then wait for 30 s',
      'or end it all the same by --allow used: what is mounted from it loses its disk',
    ],
  });
}

/** An export that would end. */
export interface PlannedEnd {
  id: string;
  file: string;
  /** Whether the export made its file: then that goes with it, unless it holds data. */
  made: boolean;
  /** Why its file would stay: "it is exported as e0.2@eth0", "it is attached as /dev/loop0". */
  by: string[];
}

/** What `unexportTargets` would end; changes nothing. @throws UsageError as that does */
export async function plannedEnds(host: Host, which: readonly string[] | undefined): Promise<PlannedEnd[]> {
  const store = await EntryStore.open(host);
  const entries = await store.all();
  const names = await byRealNames(host, entries, which ?? entries.map(exportId));
  const selected = selectEntries(entries, names);
  const chosen = new Set(selected.map(exportId));
  const stay = entries.filter((entry) => !chosen.has(exportId(entry)));
  const made = selected.flatMap(({ backing }) => (backing.madeAs === undefined ? [] : [backing.path]));
  const survey = made.length === 0 ? undefined : await surveyFor(store, made);
  return selected.map((entry) => {
    const heir = heirOf(entry, stay);
    const users = survey === undefined ? [] : usersOfMade(survey, entry);
    return {
      id: exportId(entry),
      file: entry.backing.name,
      made: entry.backing.madeAs !== undefined,
      by: heir === undefined ? users : [exported(heir).text],
    };
  });
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

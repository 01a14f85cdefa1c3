import { isFull } from '../../hosts/host/rights.js';
import { type Removal, removeFile, removeUnplaced } from '../storage/files.js';
import { driverFor } from './drivers.js';
import { type EntryStore, type ExportEntry, exportId, isSameExport } from './entry.js';
import { retireLoops } from './loops.js';
import { bequeath, heirOf, usersOfMade } from './made-file.js';
import { reconcilePersistence } from './persist/reconcile.js';
import { exported, type StorageSurvey, surveyFor } from './suitability.js';

/** What became of the backing file of an export that ended. */
export interface Undone {
  id: string;
  /** Loop devices detached. */
  loops: string[];
  /**
   * removed: made by the export, and never written or its removal asked for
   * kept: made by the export, and holds data
   * other: what the export made is not there; something else has its name, and is left alone
   * gone: what the export made is not there, and nothing has its name
   * served: made by the export, and another serves it, with which it will go
   * used: made by the export, and somebody else has it
   * untouched: was there before
   */
  file: Removal | 'served' | 'used' | 'untouched';
  path: string;
  /** Why a file stays that is served or used: "it is exported as e0.2@eth0", "it is attached as /dev/loop0". */
  by: string[];
}

/** Whether a file that the export made is removed: `false`, if it was never written; `true`, even if it holds data. */
export type RemoveFile = boolean | 'never';

export interface UndoOptions {
  /** Of the files that were made, for all that are undone together. */
  survey?: () => Promise<StorageSurvey>;
}

/**
 * Undoes an export, from whatever point it had come to; can be repeated. The entry goes last. Its copy of a build
 * is left to `collectGarbage`, once for all that are undone.
 */
export async function undo(
  store: EntryStore,
  asked: ExportEntry,
  remove: RemoveFile,
  { survey = () => surveyFor(store, [asked.backing.path]) }: UndoOptions = {},
): Promise<Undone> {
  const { host } = store;
  // One that was undone before it may have left it a file.
  const entry = (await store.all()).find((one) => isSameExport(one, asked)) ?? asked;
  const { backing } = entry;
  const ending: ExportEntry = { ...entry, phase: 'stopping' };
  // What is undone makes room.
  await store.write(ending).catch((error) => {
    if (!isFull(error)) throw error;
    store.note(ending);
  });
  await driverFor(store, entry).stop(entry);
  const loops = await retireLoops(store, entry, async () => {
    // Its services go, that of its loop device too.
    if (entry.persist) await reconcilePersistence(store, false);
  });
  if (backing.pinned) await host.remove(backing.opens);
  const outcome = await undoFile(store, entry, remove, survey);
  // `collectGarbage` removes others' when they are old.
  if (entry.trial !== undefined || entry.keepLog === false) await removeLog(store, entry);
  await store.remove(entry);
  await store.removeIfEmpty();
  return { id: exportId(entry), loops, path: backing.name, by: [], ...outcome };
}

/** Others of the same daemon may write to it: then it stays. */
async function removeLog(store: EntryStore, entry: ExportEntry): Promise<void> {
  const log = driverFor(store, entry).logPath(entry);
  const others = (await store.all()).filter((other) => !isSameExport(other, entry));
  const isShared = others.some((other) => driverFor(store, other).logPath(other) === log);
  if (!isShared) await store.host.remove(log);
}

/** Takes away what was made, and that alone; whatever has its name by now is not ours to remove. */
async function undoFile(
  store: EntryStore,
  entry: ExportEntry,
  remove: RemoveFile,
  survey: () => Promise<StorageSurvey>,
): Promise<Pick<Undone, 'file'> & Partial<Pick<Undone, 'by'>>> {
  const { host } = store;
  const { made, madeAs, making, path } = entry.backing;
  if (making !== undefined) await removeUnplaced(host, path, making);
  if (!made) return { file: 'untouched' };
  const heir = heirOf(entry, await store.all());
  if (heir !== undefined) {
    await bequeath(store, entry, heir);
    return { file: 'served', by: [exported(heir).text] };
  }
  // Nothing was made yet, or by an earlier version, which did not record what.
  if (madeAs === undefined) return { file: (await host.stat(path)) === undefined ? 'gone' : 'kept' };
  if (remove === 'never') return { file: 'kept' };
  const by = usersOfMade(await survey(), entry);
  if (by.length > 0) return { file: 'used', by };
  return { file: await removeFile(host, path, madeAs, remove) };
}

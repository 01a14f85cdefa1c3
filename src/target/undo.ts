import { isUntouched } from '../storage/backing.js';
import { driverFor } from './driver.js';
import { type EntryStore, type ExportEntry, exportId } from './entry.js';
import { detachOwn, ownLoops } from './loops.js';
import { settlePersistence } from './persist/settle.js';

/** What became of the backing file of an export that ended. */
export interface Undone {
  id: string;
  /** Loop devices detached. */
  loops: string[];
  /**
   * removed: made by the export, and never written or its removal asked for
   * kept: made by the export, and holds data
   * untouched: was there before
   */
  file: 'removed' | 'kept' | 'untouched';
  path: string;
}

/** Whether a file that the export made is removed: `false`, if it was never written; `true`, even if it holds data. */
export type RemoveFile = boolean | 'never';

/**
 * Undoes an export, from whatever point it had come to; can be repeated. The entry goes last. Its log and its copy of a build
 * are left to `tidy`, once for all that are undone.
 */
export async function undo(store: EntryStore, entry: ExportEntry, removeFile: RemoveFile): Promise<Undone> {
  const { host } = store;
  const { backing } = entry;
  await store.write({ ...entry, phase: 'stopping' });
  await driverFor(store, entry).stop(entry);
  const loops = await ownLoops(store, entry);
  // Its services go, that of its loop device too.
  if (entry.persist) await settlePersistence(store, false);
  await detachOwn(store, entry, loops);
  let file: Undone['file'] = 'untouched';
  if (backing.made) {
    const remove = removeFile === true || (removeFile === false && (await isUntouched(host, backing.path)));
    const there = (await host.stat(backing.path)) !== undefined;
    file = remove || !there ? 'removed' : 'kept';
    if (remove) await host.remove(backing.path);
  }
  await store.remove(entry);
  await store.removeIfEmpty();
  return { id: exportId(entry), loops, file, path: backing.path };
}

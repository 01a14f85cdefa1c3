import { isUntouched } from '../storage/backing.js';
import { detachLoop } from '../storage/loop.js';
import { driverFor } from './driver.js';
import { type EntryStore, type ExportEntry, exportId } from './entry.js';
import { ownLoops } from './loops.js';

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

/** Undoes an export, from whatever point it had come to; can be repeated. The entry goes last. */
export async function undo(store: EntryStore, entry: ExportEntry, removeFile: RemoveFile): Promise<Undone> {
  const { host } = store;
  const { backing } = entry;
  await store.write({ ...entry, phase: 'stopping' });
  const driver = driverFor(store, entry);
  await driver.stop(entry);
  const loops = await ownLoops(store, entry);
  for (const device of loops) await detachLoop(host, device);
  let file: Undone['file'] = 'untouched';
  if (backing.made) {
    const remove = removeFile === true || (removeFile === false && (await isUntouched(host, backing.path)));
    const there = (await host.stat(backing.path)) !== undefined;
    file = remove || !there ? 'removed' : 'kept';
    if (remove) await host.remove(backing.path);
  }
  const others = (await store.all()).filter((other) => exportId(other) !== exportId(entry));
  if (!others.some((other) => driverFor(store, other).logPath(other) === driver.logPath(entry))) {
    await host.remove(driver.logPath(entry));
  }
  if (!others.some((other) => other.build === entry.build)) {
    await host.remove(store.artifactsFolder(entry.build));
  }
  await store.remove(entry);
  await store.removeIfEmpty();
  return { id: exportId(entry), loops, file, path: backing.path };
}

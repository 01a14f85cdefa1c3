import { driverFor } from './driver.js';
import type { EntryStore } from './entry.js';
import { settlePersistence } from './persist/settle.js';
import { findProcesses, stopProcesses } from './processes.js';
import { type Undone, undo } from './undo.js';

export interface Recovery {
  /** Exports that a killed command had left half made or half undone. */
  undone: Undone[];
  /** Marks of processes without an entry, which were ended. */
  orphans: string[];
}

/**
 * Mends what killed commands left. To be called under the lock: whoever wrote `wish` or `stopping` held it and is
 * therefore dead. Exports that are complete are not touched, whether they run or not.
 */
export async function recover(store: EntryStore): Promise<Recovery> {
  await store.sweep();
  const undone: Undone[] = [];
  for (const entry of await store.all()) {
    if (entry.phase !== 'running') undone.push(await undo(store, entry, false));
  }
  await settlePersistence(store, false);
  const entries = await store.all();
  const marks = new Set(entries.map((entry) => driverFor(store, entry).mark(entry)));
  const orphans: string[] = [];
  for (const mark of (await findProcesses(store.host, store.folder)).keys()) {
    if (marks.has(mark)) continue;
    await stopProcesses(store.host, store.folder, mark, 'TERM');
    orphans.push(mark);
  }
  return { undone, orphans };
}

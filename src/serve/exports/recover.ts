import { driverFor } from './drivers.js';
import type { EntryStore } from './entry.js';
import { collectGarbage, withOther } from './garbage.js';
import { reconcilePersistence } from './persist/reconcile.js';
import { findProcesses, stopProcesses } from './processes.js';
import { type RolledBack, rollBack } from './roll-back.js';
import { abandonedTrials, removeTrials } from './trials.js';
import { type Undone, undo } from './undo.js';

export interface Recovery {
  /** Exports that a killed command had left half made or half undone, or had made for a test. */
  undone: Undone[];
  /** Exports whose move to another target was cut short: the target that served them does so again. */
  returned: RolledBack[];
  /** Marks of processes without an entry, which were ended. */
  orphans: string[];
}

/**
 * Mends what killed commands left. To be called under the lock: whoever wrote a phase other than `running` held it and is
 * therefore dead. Exports that are complete are not touched, whether they run or not, unless they were made for a test whose
 * process is dead.
 */
export async function recover(store: EntryStore): Promise<Recovery> {
  await store.collectGarbage();
  const undone: Undone[] = [];
  const returned: RolledBack[] = [];
  const before = await store.all();
  const abandoned = await abandonedTrials(store, before);
  for (const entry of before) {
    const { trial, phase, migration } = entry;
    if (migration !== undefined) returned.push(await rollBack(store, entry));
    else if (trial !== undefined && abandoned.includes(trial)) undone.push(await undo(store, entry, true));
    else if (phase !== 'running') undone.push(await undo(store, entry, false));
  }
  await removeTrials(store, abandoned);
  await reconcilePersistence(store, false);
  const entries = (await store.all()).flatMap(withOther);
  const marks = new Set(entries.map((entry) => driverFor(store, entry).mark(entry)));
  const orphans: string[] = [];
  for (const mark of (await findProcesses(store.host, store.folder)).keys()) {
    if (marks.has(mark)) continue;
    await stopProcesses(store.host, store.folder, mark, 'TERM');
    orphans.push(mark);
  }
  await collectGarbage(store);
  return { undone, returned, orphans };
}

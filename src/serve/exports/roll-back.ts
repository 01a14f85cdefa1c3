import { refreshOne, requireNoneUnwanted } from './able.js';
import { driverFor } from './drivers.js';
import { type EntryStore, type ExportEntry, exportId, type WireState } from './entry.js';
import { requireOwn } from './export-interface.js';
import { markLog } from './log-marks.js';
import { detachLoops, reattach } from './loops.js';
import { reconcilePersistence } from './persist/reconcile.js';
import { waitUntilListening } from './ready.js';
import { surveyFor } from './suitability.js';
import { openVantage } from './wire.js';
import { restoreWireState, sessionWith } from './wire-state.js';

/** Milliseconds. */
const PATIENCE = 15_000;

/** An export that was to move to another target, and did not. */
export interface RolledBack {
  id: string;
  /** "vblade 25": serves it again. */
  to: string;
  /** "native 1": was to. */
  from: string;
  /** Why it is down, or not in all as it was. */
  trouble?: string;
}

/**
 * Gives an export back to the target that served it before its move began, from whatever point that had come to; can be
 * repeated. What can't be brought back at once (its interface is gone, say) is told, and the entry is complete all the
 * same: `status` shows it as down, `restart` brings it back.
 */
export async function rollBack(store: EntryStore, unfinished: ExportEntry): Promise<RolledBack> {
  const { migration, ...entry } = unfinished;
  if (migration === undefined) throw new TypeError(`${exportId(entry)} is not being moved`);
  const [old, intruder] = entry.phase === 'moving' ? [migration.other, entry] : [entry, migration.other];
  const { state } = migration;
  const returning: ExportEntry = { ...old, phase: 'returning', migration: { other: intruder, state } };
  await store.write(returning);
  let trouble: string | undefined;
  let revived = returning;
  try {
    await driverFor(store, intruder).stop(intruder);
    if (old.persist) await reconcilePersistence(store, false);
    if (!old.backing.loop) await detachLoops(store, intruder);
    revived = await reattach(store, returning, await refreshOne(store, returning));
    await requireNoneUnwanted(store, revived, () => surveyFor(store, []));
    await serve(store, revived, state);
  } catch (error) {
    trouble = (error as Error).message;
  }
  const { migration: _, ...complete } = revived;
  const served: ExportEntry = { ...complete, phase: 'running' };
  await store.write(served);
  try {
    if (old.options.lockAccess) await driverFor(store, served).retell?.(served);
  } catch (error) {
    trouble ??= (error as Error).message;
  }
  if (old.persist) await reconcilePersistence(store, false);
  return {
    id: exportId(old),
    to: nameOf(old),
    from: nameOf(intruder),
    ...(trouble === undefined ? {} : { trouble }),
  };
}

/** Whatever is left of it ends first: one that was told to end may just be about to. */
async function serve(store: EntryStore, entry: ExportEntry, state: WireState | null): Promise<void> {
  const driver = driverFor(store, entry);
  const stop = await driver.prepareStop(entry);
  await stop.run();
  const iface = await requireOwn(store.host, entry);
  await markLog(store, entry, 'restarted');
  await driver.start(entry);
  await waitUntilListening(store, entry, iface);
  const link = state === null ? undefined : await openVantage(store.host, entry, iface);
  if (link === undefined || state === null) return;
  try {
    // Nobody else serves it: the target of a busy machine gets its time.
    await sessionWith(link, entry, iface, PATIENCE).queryConfig();
    await restoreWireState(link, entry, iface, state);
  } finally {
    await link.close();
  }
}

/** "vblade 25" */
export function nameOf({ implementation, release }: ExportEntry): string {
  return `${implementation} ${release}`;
}

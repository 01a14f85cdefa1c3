import type { Host } from '../../hosts/host/host.js';
import type { StorageSnapshot } from '../storage/snapshot.js';
import { type Allowance, becauseOf, namingExport, requireNoneStranded, requireNothingLost } from './able.js';
import { surveyNames } from './backing-now.js';
import { linkDisk } from './disk-link.js';
import { driverFor, markedSo } from './drivers.js';
import { EntryStore, type ExportEntry, exportId, isSameExport } from './entry.js';
import { startedOn } from './export-interface.js';
import { type Judged, judgeGroup } from './judge-restart.js';
import { requireKept } from './last-holder.js';
import { markLog } from './log-marks.js';
import { reattach } from './loops.js';
import { copyPaths, renewCopy, restorePrograms, thereIn } from './own-copy.js';
import { keepLinks } from './persist/links.js';
import { reconcilePersistence } from './persist/reconcile.js';
import { waitUntilListening } from './ready.js';
import { byRealNames } from './real-names.js';
import { type Recovery, recover } from './recover.js';
import { selectEntries } from './unexport.js';

export interface RestartReport {
  /** `change`: what its name meant, and means now, where that is not the same; null where it is. */
  restarted: { id: string; pids: number[]; change: string | null }[];
  /** Those whose disk or interface is not there, and those whose target does not serve them. */
  failed: { id: string; error: Error }[];
  /** Exports that were not named, of the same daemons, which came back without them. */
  beside: { id: string; error: Error }[];
  recovery: Recovery;
}

interface RestartOptions {
  /** Those that run this package's code take that of this release; they keep the copy that they were made with by default. */
  upgrade?: boolean | undefined;
  /** What is served although it speaks against it. */
  allow?: Allowance | undefined;
}

/**
 * Restarts exports, and revives those that died or did not survive a reboot. All exports of one daemon restart with it,
 * once. None waits for the fault of another; what can't be started again is not stopped.
 * @param which as in `unexportTargets`
 */
export async function restartEach(
  host: Host,
  which: readonly string[] | undefined,
  { upgrade = false, allow = [] }: RestartOptions = {},
): Promise<RestartReport> {
  const store = await EntryStore.open(host);
  const lock = await store.lock();
  try {
    const recovery = await recover(store);
    const before = await store.all();
    const names = await byRealNames(host, before, which ?? before.map(exportId));
    for (const entry of selectEntries(before, names)) await keepLinks(store, entry);
    const entries = await store.all();
    const chosen = selectEntries(entries, names);
    if (chosen.some(({ persist }) => persist)) await reconcilePersistence(store, true);
    const report: RestartReport = { restarted: [], failed: [], beside: [], recovery };
    const marks = new Set(chosen.map((entry) => driverFor(store, entry).mark(entry)));
    for (const mark of marks) {
      const byName = which !== undefined;
      await restartGroup(store, markedSo(store, entries, mark), chosen, { byName, upgrade, allow, report });
    }
    return report;
  } finally {
    await lock.release();
  }
}

/**
 * The same where all are needed.
 * @throws the error of the first that failed, when the others have been restarted
 */
export async function restartTargets(
  host: Host,
  which: readonly string[] | undefined,
): Promise<RestartReport> {
  const report = await restartEach(host, which);
  const [failure] = report.failed;
  if (failure !== undefined) throw failure.error;
  return report;
}

/** @param members of one program or module @param byName whether the user named the chosen: their former files are given up */
async function restartGroup(
  store: EntryStore,
  members: readonly ExportEntry[],
  chosen: readonly ExportEntry[],
  {
    byName,
    upgrade,
    allow,
    report,
  }: { byName: boolean; upgrade: boolean; allow: Allowance; report: RestartReport },
): Promise<void> {
  const isChosen = (entry: ExportEntry): boolean => chosen.some((one) => isSameExport(one, entry));
  const isNamed = (entry: ExportEntry): boolean => byName && isChosen(entry);
  const beside: RestartReport['beside'] = [];
  const fail = (entry: ExportEntry, error: unknown): void => {
    const list = isChosen(entry) ? report.failed : beside;
    list.push({ id: exportId(entry), error: namingExport(entry, error) });
  };
  let survey: Promise<StorageSnapshot> | undefined;
  const snapshot = (): Promise<StorageSnapshot> => {
    survey ??= surveyNames(
      store,
      members,
      members.flatMap((member) => copyPaths(store, member)),
    );
    return survey;
  };
  const able: Omit<Judged, 'before'>[] = [];
  let renewed: readonly ExportEntry[];
  try {
    // Nothing is changed before all is judged: what is on record is what is served as long as that is not restarted.
    const { judged, held } = await judgeGroup(store, members, { snapshot, chosen, allow, fail });
    const first = judged.find(({ entry }) => isChosen(entry));
    if (first === undefined) return;
    const givenUp = judged.filter(({ entry }) => isNamed(entry)).map(({ before }) => before.backing.path);
    const unasked = judged.filter(({ entry, change }) => change !== undefined && !isNamed(entry));
    if (unasked.length > 0) {
      const others = unasked.map(({ before }) => before);
      await requireKept(store, `restarting ${exportId(first.entry)}`, others, await snapshot());
    }
    const lacking = members.filter((member) => !judged.some(({ entry }) => isSameExport(entry, member)));
    if (lacking.length > 0) {
      await requireNothingLost(store, first.entry, givenUp);
      await requireNoneStranded({ store, snapshot }, first.entry, lacking);
    }
    const isThere = thereIn(await snapshot());
    await restorePrograms(store, members, isThere);
    const linked: Judged[] = [];
    const kept = held.map(({ entry, why }): ExportEntry => ({ ...entry, held: why }));
    for (const entry of kept) await store.write(entry);
    for (const judgement of judged) {
      const { held: _, ...entry } = judgement.entry;
      const one = { ...judgement, entry };
      try {
        await store.write(one.entry);
        await linkDisk(store, one.entry);
        linked.push(one);
      } catch (error) {
        fail(one.entry, error);
      }
    }
    // What services look for before they start a target, or attach a loop device for it, is the disk as it is now.
    if ([...linked.map(({ entry }) => entry), ...kept].some(({ persist }) => persist))
      await reconcilePersistence(store, false);
    for (const { before, entry, iface, change } of linked) {
      try {
        able.push({ iface, change, entry: await reattach(store, before, entry) });
      } catch (error) {
        fail(entry, error);
      }
    }
    if (able.length < judged.length) await requireNothingLost(store, first.entry, givenUp);
    const current = members.map(
      (member) =>
        [...able.map(({ entry }) => entry), ...kept].find((one) => isSameExport(one, member)) ?? member,
    );
    renewed = await renewCopy(store, current, upgrade, isThere);
  } catch (error) {
    const failed = report.failed.map(({ id }) => id);
    for (const member of members) {
      if (isChosen(member) && !failed.includes(exportId(member))) fail(member, becauseOf(member, error));
    }
    return;
  }
  const [first] = able.filter(({ entry }) => isChosen(entry));
  if (first === undefined) return;
  const now = (entry: ExportEntry): ExportEntry => renewed.find((one) => isSameExport(one, entry)) ?? entry;
  await markLog(store, now(first.entry), 'restarted');
  const failure = await driverFor(store, now(first.entry))
    .restart(now(first.entry))
    .then(() => undefined)
    .catch((error: Error) => error);
  for (const { entry, iface, change } of able) {
    try {
      const pids = await waitUntilListening(store, now(entry), iface);
      await store.write({ ...now(entry), started: startedOn(iface, pids) });
      report.restarted.push({ id: exportId(entry), pids, change: told(entry, change) });
    } catch (error) {
      fail(entry, failure ?? error);
    }
  }
  report.beside.push(...beside);
}

/** What restarting changed, and what that means to initiators. */
function told({ node }: ExportEntry, change: string | undefined): string | null {
  if (change === undefined) return null;
  // Code of this package is told its serial number.
  const known =
    node === undefined
      ? 'by nothing that they can see: end what they were doing with it'
      : 'by its new serial number';
  return `${change}; initiators know it from the former one ${known}`;
}

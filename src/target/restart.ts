import type { Host } from '../host/host.js';
import type { InterfaceFacts } from '../host/interface.js';
import type { StorageSnapshot } from '../storage/snapshot.js';
import { requireAble, requireNothingLost } from './able.js';
import { OtherDiskError, surveyNames } from './backing-now.js';
import { linkDisk } from './disk-link.js';
import { driverFor } from './driver.js';
import { EntryStore, type ExportEntry, exportId } from './entry.js';
import { startedOn } from './export-interface.js';
import { markLog } from './log-marks.js';
import { reattach } from './loops.js';
import { renewCopy } from './own-copy.js';
import { keepLinks } from './persist/links.js';
import { settlePersistence } from './persist/settle.js';
import { waitUntilListening } from './ready.js';
import { byRealNames } from './real-names.js';
import { type Recovery, recover } from './recover.js';
import { requireOwnAddress, withNetwork } from './rivals.js';
import { selectEntries } from './unexport.js';

export interface RestartReport {
  /** `change`: what its name meant, and means now, where that is not the same; null where it is. */
  restarted: { id: string; pids: number[]; change: string | null }[];
  /** Those whose disk or interface is not there, and those whose target does not serve them. */
  failed: { id: string; error: Error }[];
  recovery: Recovery;
}

interface RestartOptions {
  /** Those that run this package's code take that of this release; they keep the copy that they were made with by default. */
  upgrade?: boolean | undefined;
  /** Serve another disk that has the name of the one that was exported. */
  evenOther?: boolean | undefined;
}

/**
 * Restarts exports, and revives those that died or did not survive a reboot. All exports of one daemon restart with it,
 * once. None waits for the fault of another; what can't be started again is not stopped.
 * @param which as in `unexportTargets`
 */
export async function restartEach(
  host: Host,
  which: readonly string[] | undefined,
  { upgrade = false, evenOther = false }: RestartOptions = {},
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
    if (chosen.some(({ persist }) => persist)) await settlePersistence(store, true);
    const report: RestartReport = { restarted: [], failed: [], recovery };
    const marks = new Set(chosen.map((entry) => driverFor(store, entry).mark(entry)));
    for (const mark of marks) {
      const members = entries.filter((entry) => driverFor(store, entry).mark(entry) === mark);
      await restartGroup(store, members, chosen, { upgrade, evenOther, report });
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

/** @param members of one program or module */
async function restartGroup(
  store: EntryStore,
  members: readonly ExportEntry[],
  chosen: readonly ExportEntry[],
  { upgrade, evenOther, report }: { upgrade: boolean; evenOther: boolean; report: RestartReport },
): Promise<void> {
  // Of others of the same daemon, which goes on to wait for what is missing, status tells.
  const fail = (entry: ExportEntry, error: unknown): void => {
    if (!chosen.some((one) => isSame(one, entry))) return;
    report.failed.push({ id: exportId(entry), error: error as Error });
  };
  const able: { entry: ExportEntry; iface: InterfaceFacts; change: string | undefined }[] = [];
  let strange: OtherDiskError | undefined;
  // Looked at before anything is stopped.
  await withNetwork(store, async (network) => {
    let survey: Promise<StorageSnapshot> | undefined;
    const snapshot = (): Promise<StorageSnapshot> => {
      survey ??= surveyNames(store, members);
      return survey;
    };
    const place = { store, network, snapshot };
    for (const member of members) {
      try {
        const isChosen = chosen.some((one) => isSame(one, member));
        const { iface, entry, change } = await requireAble(place, member, evenOther && isChosen);
        await requireOwnAddress(place, entry, iface);
        await store.write(entry);
        await linkDisk(store, entry);
        able.push({ iface, change, entry: await reattach(store, member, entry) });
      } catch (error) {
        fail(member, error);
        // Its program would serve that disk when it comes again.
        if (error instanceof OtherDiskError) strange = error;
      }
    }
  });
  const wanted = able.filter(({ entry }) => chosen.some((one) => isSame(one, entry)));
  const [first] = wanted;
  if (first === undefined) return;
  let renewed: readonly ExportEntry[];
  try {
    if (strange !== undefined) throw strange;
    // What services look for before they start a target is the disk as it is now.
    if (able.some(({ entry }) => entry.persist)) await settlePersistence(store, false);
    if (able.length < members.length) await requireNothingLost(store, first.entry);
    const current = members.map((member) => able.find(({ entry }) => isSame(entry, member))?.entry ?? member);
    renewed = await renewCopy(store, current, upgrade);
  } catch (error) {
    for (const { entry } of wanted) fail(entry, error);
    return;
  }
  const now = (entry: ExportEntry): ExportEntry => renewed.find((one) => isSame(one, entry)) ?? entry;
  await markLog(store, now(first.entry), 'restarted');
  const failure = await driverFor(store, now(first.entry))
    .restart(now(first.entry))
    .then(() => undefined)
    .catch((error: Error) => error);
  for (const { entry, iface, change = null } of able) {
    try {
      const pids = await waitUntilListening(store, now(entry), iface);
      await store.write({ ...now(entry), started: startedOn(iface, pids) });
      report.restarted.push({ id: exportId(entry), pids, change });
    } catch (error) {
      fail(entry, failure ?? error);
    }
  }
}

function isSame(one: ExportEntry, other: ExportEntry): boolean {
  return exportId(one) === exportId(other);
}

import type { Host } from '../../hosts/host/host.js';
import { surveyStorage } from '../storage/survey.js';
import { namesOf } from './backing-now.js';
import { clashes } from './claims.js';
import { driverFor } from './drivers.js';
import { EntryStore } from './entry.js';
import { withOther } from './garbage.js';
import { gatherStatus, type Shared } from './gather-status.js';
import { HostSnapshot } from './host-snapshot.js';
import { judgeStatus } from './judge-status.js';
import { socketsOf } from './listening.js';
import { Network } from './network.js';
import { openedBy } from './opened.js';
import { copyPaths } from './own-copy.js';
import { rightsOf } from './process-rights.js';
import { findProcesses } from './processes.js';
import { byRealNames } from './real-names.js';
import type { StatusReport } from './status-report.js';
import { selectEntries } from './unexport.js';

/**
 * Compares entries with what is really there; changes nothing.
 * @param which as `selectEntries` takes them. Default: all
 * @throws UsageError as that does
 */
export async function exportStatus(host: Host, which: readonly string[] = []): Promise<StatusReport> {
  const store = await EntryStore.open(host);
  const [{ entries, unreadable }, processes] = await Promise.all([
    store.readable(),
    findProcesses(host, store.folder),
  ]);
  const asked =
    which.length === 0 ? entries : selectEntries(entries, await byRealNames(host, entries, which));
  const network = new Network(host, async () => processes.values());
  const hostSnapshot = new HostSnapshot(host, network, entries);
  const pids = entries.flatMap((entry) => processes.get(driverFor(store, entry).mark(entry)) ?? []);
  const distinct = [...new Set(pids)];
  const [snapshot, { seen: opened }, rights, sockets] = await Promise.all([
    surveyStorage(
      host,
      entries.flatMap((entry) => [...namesOf(entry), ...copyPaths(store, entry)]),
      'names',
    ),
    openedBy(host, distinct),
    rightsOf(host, distinct),
    socketsOf(host, distinct),
  ]);
  const counts = new Map<string, number>();
  for (const entry of entries) {
    const mark = driverFor(store, entry).mark(entry);
    counts.set(mark, (counts.get(mark) ?? 0) + 1);
  }
  const shared: Shared = {
    processes,
    hostSnapshot,
    snapshot,
    opened,
    rights,
    sockets,
    counts,
    clashes: clashes(snapshot, entries),
  };
  const exports = await Promise.all(
    asked.map(async (entry) => judgeStatus(entry, await gatherStatus(store, entry, shared))),
  ).finally(() => network.close());
  const marks = new Set(entries.flatMap(withOther).map((entry) => driverFor(store, entry).mark(entry)));
  const orphans = [...processes].filter(([mark]) => !marks.has(mark)).map(([mark, pids]) => ({ mark, pids }));
  return { exports, orphans, unreadable, stateFolder: store.folder };
}

/** Whether an export can be served now; asked before anything that runs is stopped. */
import { LabError, linesOf } from '../errors.js';
import { type InterfaceFacts, requireAmong } from '../host/interface.js';
import type { StorageSnapshot } from '../storage/snapshot.js';
import { OtherDiskError, type Refreshed, refreshed } from './backing-now.js';
import { driverFor } from './driver.js';
import { type EntryStore, type ExportEntry, exportId } from './entry.js';
import type { Network } from './network.js';
import { deletedFilesOf } from './opened.js';
import { findProcesses } from './processes.js';

/** Where exports are started again; looked at once for all that have one target. */
export interface RestartPlace {
  store: EntryStore;
  network: Network;
  /** What their names mean now. */
  snapshot: () => Promise<StorageSnapshot>;
}

/**
 * @param evenOther as of `refreshed`
 * @returns the entry as its name is meant now, not written yet
 * @throws MissingError, UsageError as `requireInterface`
 * @throws LabError if its file or device is not there, or is another one than its name meant
 */
export async function requireAble(
  { store, network, snapshot }: RestartPlace,
  entry: ExportEntry,
  evenOther = false,
): Promise<Refreshed & { iface: InterfaceFacts }> {
  const { netns, iface: name } = entry;
  const iface = requireAmong(store.host.inNamespace(netns), await network.interfaces(netns), name);
  const now = refreshed(await snapshot(), entry, evenOther);
  if (!(now instanceof LabError)) return { iface, ...now };
  const { happened, next = [] } = now.facts;
  const facts = {
    tried: `restarting ${exportId(entry)}`,
    happened: linesOf(`${happened}; nothing was stopped for it`),
    next: [
      ...(typeof next === 'string' ? [next] : next),
      `or end the export: aoe-lab unexport ${exportId(entry)}`,
    ],
  };
  throw now instanceof OtherDiskError ? new OtherDiskError(facts) : new LabError(facts);
}

/**
 * To be asked where not all exports of a program could be served again: a file that was deleted is kept by the program that
 * has it open, and by nothing else.
 * @throws LabError if the program of an entry has such a one
 */
export async function requireNothingLost(store: EntryStore, entry: ExportEntry): Promise<void> {
  const { host, folder } = store;
  const pids = (await findProcesses(host, folder)).get(driverFor(store, entry).mark(entry)) ?? [];
  const logs = store.logPath('').replace(/[^/]*$/, '');
  const files = (await deletedFilesOf(host, pids)).filter((name) => !name.startsWith(logs));
  if (files.length === 0) return;
  throw new LabError({
    tried: `restarting ${exportId(entry)}`,
    happened: `its target also serves ${files.join(' and ')}, which ${files.length === 1 ? 'was' : 'were'} deleted: what initiators wrote there is lost when that target ends`,
    next: `copy it (from an initiator, or cp /proc/${pids[0]}/fd/N), end that export by aoe-lab unexport, then run the command again`,
  });
}

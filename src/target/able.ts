/** Whether an export can be served now; asked before anything that runs is stopped. */
import { LabError } from '../errors.js';
import { type InterfaceFacts, requireInterface } from '../host/interface.js';
import { driverFor } from './driver.js';
import { type EntryStore, type ExportEntry, exportId } from './entry.js';
import { deletedFilesOf } from './listening.js';
import { findProcesses } from './processes.js';

/**
 * @throws MissingError, UsageError as `requireInterface`
 * @throws LabError if its file or device is not there
 */
export async function requireAble(store: EntryStore, entry: ExportEntry): Promise<InterfaceFacts> {
  const { host } = store;
  const { netns, iface, backing } = entry;
  const facts = await requireInterface(host.inNamespace(netns), iface);
  if ((await host.stat(backing.path)) !== undefined) return facts;
  throw new LabError({
    tried: `restarting ${exportId(entry)}`,
    happened: `${backing.path} is not there; nothing was stopped for it`,
    next: [
      `bring it back, then run aoe-lab restart ${exportId(entry)}`,
      `or end the export: aoe-lab unexport ${exportId(entry)}`,
    ],
  });
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

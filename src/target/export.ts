import type { Host } from '../host/host.js';
import { type InterfaceFacts, requireInterface } from '../host/interface.js';
import { makeBackingFile, SECTOR } from '../storage/backing.js';
import { attachLoop } from '../storage/loop.js';
import { watchAnnouncements } from './announcement.js';
import { driverFor } from './driver.js';
import { EntryStore, type ExportEntry, exportId } from './entry.js';
import { ownLoops } from './loops.js';
import { type ExportPlan, loopOptions, planExport, type Served } from './plan.js';
import { processesOf } from './processes.js';
import { requireAnnouncement, waitUntilListening } from './ready.js';
import { type Recovery, recover } from './recover.js';
import { undo } from './undo.js';
import type { ExportWish } from './wish.js';

export interface ExportReport {
  id: string;
  implementation: string;
  release: string;
  shelf: number;
  slot: number;
  iface: string;
  netns: string | undefined;
  mac: string;
  file: string;
  /** Bytes. */
  size: number;
  sectors: number;
  device: string | undefined;
  pids: number[];
  log: string;
  options: ExportEntry['options'];
}

/**
 * Makes an export and waits until its target listens. All or nothing: if a step fails, those before it are undone; if
 * this process dies, the entry tells the next command what to undo.
 * @param onRecovery told what an earlier, killed command had left and was mended first
 * @throws UsageError if the address is taken, the target lacks an option, or the file can't be meant
 * @throws LabError if the target does not start
 */
export async function exportTarget(
  host: Host,
  served: Served,
  wish: ExportWish,
  onRecovery: (recovery: Recovery) => void = () => {},
): Promise<ExportReport> {
  const iface = await requireInterface(host.inNamespace(wish.netns), wish.iface);
  const store = await EntryStore.open(host);
  const lock = await store.lock();
  try {
    onRecovery(await recover(store));
    const plan = await planExport(store, served, wish);
    const { entry } = plan;
    await store.write(entry);
    try {
      await carryOut(store, plan, served, iface);
      await store.write({ ...entry, phase: 'running' });
    } catch (error) {
      await undo(store, entry, false);
      throw error;
    }
    return await report(store, entry, iface);
  } finally {
    await lock.release();
  }
}

async function carryOut(
  store: EntryStore,
  { entry, backing }: ExportPlan,
  served: Served,
  iface: InterfaceFacts,
): Promise<void> {
  const { host } = store;
  if (backing.absent) await makeBackingFile(host, backing);
  if (entry.backing.loop) await attachLoop(host, backing.path, loopOptions(entry));
  await putArtifacts(store, served);
  // Elsewhere nobody of ours can watch the interface; what the target lists or listens on has to do.
  const watch = host.isHere
    ? await watchAnnouncements(host.inNamespace(entry.netns), entry.iface)
    : undefined;
  try {
    await driverFor(store, entry).start(entry);
    await waitUntilListening(store, entry, iface);
    if (watch !== undefined) await requireAnnouncement(store, entry, watch);
  } finally {
    await watch?.close();
  }
}

/** Copies what a build made to the host. */
export async function putArtifacts(store: EntryStore, { build, artifacts }: Served): Promise<void> {
  const folder = store.artifactsFolder(build);
  for (const { name, path } of artifacts) {
    // Named by the build's digest: what is there is the same, and may be running.
    if ((await store.host.stat(`${folder}/${name}`)) === undefined) {
      await store.host.put(path, `${folder}/${name}`);
    }
  }
}

async function report(store: EntryStore, entry: ExportEntry, iface: InterfaceFacts): Promise<ExportReport> {
  const driver = driverFor(store, entry);
  const { offset = 0, length } = entry.options;
  return {
    id: exportId(entry),
    implementation: entry.implementation,
    release: entry.release,
    shelf: entry.shelf,
    slot: entry.slot,
    iface: entry.iface,
    netns: entry.netns,
    mac: iface.mac,
    file: entry.backing.path,
    size: entry.backing.size,
    sectors: length ?? entry.backing.size / SECTOR - offset,
    device: (await ownLoops(store, entry))[0],
    pids: await processesOf(store.host, store.folder, driver.mark(entry)),
    log: driver.logPath(entry),
    options: entry.options,
  };
}

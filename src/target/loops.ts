import { attachLoop, detachLoop, listLoops } from '../storage/loop.js';
import type { EntryStore, ExportEntry } from './entry.js';
import { serviceManager } from './persist/manager.js';
import { loopRecord, loopServiceName } from './persist/names.js';

/** The loop devices attached for an entry: usually one, none after a reboot or before it is made. */
export async function ownLoops(store: EntryStore, entry: ExportEntry): Promise<string[]> {
  const { backing } = entry;
  if (!backing.loop) return [];
  const { bootId, loopsBefore } = entry.persist
    ? await recorded(store, entry)
    : { bootId: entry.bootId, loopsBefore: backing.loopsBefore };
  if ((await store.host.facts()).bootId !== bootId) return [];
  const loops = await listLoops(store.host, backing.path);
  return loops.map(({ device }) => device).filter((device) => !loopsBefore.includes(device));
}

/** Of a persistent export: what the script that attaches it, at a boot too, wrote before it did. */
async function recorded(
  store: EntryStore,
  entry: ExportEntry,
): Promise<{ bootId: string | undefined; loopsBefore: string[] }> {
  const text = await store.host.read(loopRecord(store, entry)).catch(() => Buffer.alloc(0));
  const [bootId, ...loopsBefore] = text.toString().split('\n');
  return { bootId, loopsBefore };
}

/** How the loop device of an entry is attached. */
export function loopOptions({ options }: Pick<ExportEntry, 'options'>): {
  readOnly: boolean;
  directIo: boolean;
} {
  return { readOnly: options.readOnly ?? false, directIo: options.directIo ?? false };
}

/** Attaches the loop device of an entry, whose wish is written. */
export async function attachOwn(store: EntryStore, entry: ExportEntry): Promise<void> {
  if (!entry.persist) {
    await attachLoop(store.host, entry.backing.path, loopOptions(entry));
    return;
  }
  await (await serviceManager(store.host)).start(loopServiceName(store, entry), store);
}

/**
 * Attaches the loop device again where it is gone (a reboot, or somebody detached it); the wish is written first.
 * @returns the entry as it is now
 */
export async function reattach(store: EntryStore, entry: ExportEntry): Promise<ExportEntry> {
  const { backing } = entry;
  if (!backing.loop || (await ownLoops(store, entry)).length > 0) return entry;
  if (entry.persist) {
    // Its service may be taken for started.
    await (await serviceManager(store.host)).stop(loopServiceName(store, entry), store);
    await attachOwn(store, entry);
    return entry;
  }
  const before = await listLoops(store.host, backing.path);
  const renewed: ExportEntry = {
    ...entry,
    bootId: (await store.host.facts()).bootId,
    backing: { ...backing, loopsBefore: before.map(({ device }) => device) },
  };
  await store.write(renewed);
  await attachOwn(store, renewed);
  return renewed;
}

/** Detaches those of the devices that are still attached. @param devices of `ownLoops` */
export async function detachOwn(
  store: EntryStore,
  { backing }: ExportEntry,
  devices: readonly string[],
): Promise<void> {
  if (devices.length === 0) return;
  const attached = await listLoops(store.host, backing.path);
  for (const { device } of attached) if (devices.includes(device)) await detachLoop(store.host, device);
}

import { attachLoop, listLoops } from '../storage/loop.js';
import type { EntryStore, ExportEntry } from './entry.js';
import { ownLoops } from './loops.js';
import { loopOptions } from './plan.js';

/** Attaches the loop device again where it is gone (a reboot, or somebody detached it); the wish is written first. */
export async function reattach(store: EntryStore, entry: ExportEntry): Promise<ExportEntry> {
  const { backing } = entry;
  if (!backing.loop || (await ownLoops(store, entry)).length > 0) return entry;
  const before = await listLoops(store.host, backing.path);
  const renewed: ExportEntry = {
    ...entry,
    bootId: (await store.host.facts()).bootId,
    backing: { ...backing, loopsBefore: before.map(({ device }) => device) },
  };
  await store.write(renewed);
  await attachLoop(store.host, backing.path, loopOptions(entry));
  return renewed;
}

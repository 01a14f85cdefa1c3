import { listLoops } from '../storage/loop.js';
import type { EntryStore, ExportEntry } from './entry.js';

/** The loop devices attached for an entry: usually one, none after a reboot or before it is made. */
export async function ownLoops(store: EntryStore, entry: ExportEntry): Promise<string[]> {
  const { backing, bootId } = entry;
  if (!backing.loop || (await store.host.facts()).bootId !== bootId) return [];
  const loops = await listLoops(store.host, backing.path);
  return loops.map(({ device }) => device).filter((device) => !backing.loopsBefore.includes(device));
}

/** Interfaces that `host prepare` has set up, as persistent exports keep them. */
import { preparedLinks } from '../../../hosts/prepare/links.js';
import type { EntryStore, ExportEntry } from '../entry.js';
import { serviceManager } from './manager.js';
import { linkServiceName } from './names.js';

/** Their services count as started in this boot, and set up nothing that is so already. */
export async function startLinks(store: EntryStore, { links = [] }: ExportEntry): Promise<void> {
  if (links.length === 0) return;
  const manager = await serviceManager(store.host);
  for (const { name } of links) await manager.start(linkServiceName(store, name), store);
}

/** The interface of an entry may have been prepared since it was made. */
export async function keepLinks(store: EntryStore, entry: ExportEntry): Promise<void> {
  if (!entry.persist) return;
  const now = await preparedLinks(store.host, entry.iface);
  if (now.length === 0) return;
  // What an earlier boot had is set up by the entry's services since.
  const kept = (entry.links ?? []).filter(({ name }) => now.every((one) => one.name !== name));
  await store.write({ ...entry, links: [...kept, ...now] });
}

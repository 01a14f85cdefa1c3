import type { EntryStore, ExportEntry } from '../entry.js';
import { serviceManager } from './manager.js';
import { ofExport, servicesOf } from './services.js';

/** What is wrong with what is to bring an export back after a reboot. */
export async function persistenceFaults(store: EntryStore, entry: ExportEntry): Promise<string[]> {
  const manager = await serviceManager(store.host);
  const kept = (await store.readable()).entries.filter(({ persist }) => persist);
  const services = ofExport(servicesOf(store, kept), entry);
  const faults = await Promise.all(services.map(({ name }) => manager.fault(name, store)));
  return faults.filter((fault) => fault !== undefined);
}

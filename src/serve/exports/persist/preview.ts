import { type EntryStore, type ExportEntry, exportId } from '../entry.js';
import { serviceManager } from './manager.js';
import { linkServiceName, loopServiceName } from './names.js';
import { wantedPersistence } from './reconcile.js';

/** What would be written and run to have an export brought back after a reboot; changes nothing. */
export async function previewPersistence(
  store: EntryStore,
  entry: ExportEntry,
): Promise<{ commands: string[][]; files: { path: string; text: string }[] }> {
  const before = await wantedPersistence(store);
  const others = (await store.all()).filter((other) => exportId(other) !== exportId(entry));
  const after = await wantedPersistence(store, [...others, entry]);
  const known = new Map(before.files.map(({ path, text }) => [path, text]));
  const manager = await serviceManager(store.host);
  const enabled = after.services.filter((service) => !before.services.includes(service));
  const parts = [
    ...(entry.links ?? []).map(({ name }) => linkServiceName(store, name)),
    ...(entry.backing.loop ? [loopServiceName(store, entry)] : []),
  ];
  const start = parts.map((service) => manager.startArgv(service, store));
  return {
    commands: [...(await manager.enableArgvs(enabled, store)), ...start],
    files: after.files.filter(({ path, text }) => known.get(path) !== text),
  };
}

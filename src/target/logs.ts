import type { Host } from '../host/host.js';
import { driverFor } from './driver.js';
import { EntryStore, exportId } from './entry.js';
import { byRealNames } from './real-names.js';
import { selectEntries } from './unexport.js';

/**
 * What the target of an export printed since it was exported; a daemon's exports share one log.
 * @throws UsageError if there is no such export
 */
export async function exportLog(
  host: Host,
  name: string,
): Promise<{ id: string; path: string; text: string }> {
  const store = await EntryStore.open(host);
  const entries = await store.all();
  const [entry] = selectEntries(entries, await byRealNames(host, entries, [name]));
  if (entry === undefined) throw new TypeError('selectEntries returned nothing');
  const path = driverFor(store, entry).logPath(entry);
  const text = (await host.read(path).catch(() => Buffer.alloc(0))).toString();
  return { id: exportId(entry), path, text };
}

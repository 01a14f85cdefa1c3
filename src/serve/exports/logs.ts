import { posix } from 'node:path';
import { linesOf, UsageError } from '../../base/errors.js';
import type { Host } from '../../hosts/host/host.js';
import { readIfThere } from '../../hosts/host/if-there.js';
import { driverFor } from './drivers.js';
import { EntryStore, type ExportEntry, exportId } from './entry.js';
import { exportedAt } from './log-marks.js';
import { LONGEST_LOG } from './log-size.js';
import { byRealNames } from './real-names.js';
import { selectEntries } from './unexport.js';

/**
 * What the target of an export printed since it was exported; a daemon's exports share one log. That of an export that has
 * ended is kept for 14 days (see garbage.ts), under the name of its file.
 * @throws UsageError if there is no such export and no such log
 */
export async function exportLog(host: Host, name: string): Promise<ExportLog> {
  const store = await EntryStore.open(host);
  const { entry, ...found } = await findLog(store, name);
  const { text, skipped } = await endOf(host, found.path);
  const at = entry === undefined ? 0 : exportedAt(text, entry);
  return { ...found, text: text.slice(at), skipped: skipped + Buffer.byteLength(text.slice(0, at)) };
}

export interface ExportLog {
  id: string;
  path: string;
  text: string;
  /** Bytes of the log before that: it was printed for others or earlier on, or is too much. */
  skipped: number;
}

/** A target that complains without end fills no memory. */
async function endOf(host: Host, path: string): Promise<{ text: string; skipped: number }> {
  const facts = await host.stat(path);
  if (facts === undefined || facts.size <= LONGEST_LOG) {
    return { text: ((await readIfThere(host, path)) ?? '').toString(), skipped: 0 };
  }
  const { stdout } = await host.run(['tail', '-c', String(LONGEST_LOG), path]);
  return { text: stdout, skipped: facts.size - LONGEST_LOG };
}

async function findLog(
  store: EntryStore,
  name: string,
): Promise<{ id: string; path: string; entry?: ExportEntry }> {
  const entries = await store.all();
  try {
    const [entry] = selectEntries(entries, await byRealNames(store.host, entries, [name]));
    if (entry === undefined) throw new TypeError('selectEntries returned nothing');
    return { id: exportId(entry), path: driverFor(store, entry).logPath(entry), entry };
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const files = await store.host.list(posix.join(store.folder, 'logs'));
    const kept = files.filter((file) => file.endsWith('.log')).map((file) => file.slice(0, -4));
    const hits = kept.filter(
      (log) => log === name || log.startsWith(`${name}@`) || log.startsWith(`${name}%`),
    );
    const [hit] = hits;
    if (hit !== undefined && hits.length === 1) return { id: hit, path: store.logPath(hit) };
    const { tried, happened, next } = error.facts;
    const steps = next === undefined || typeof next === 'string' ? [next ?? ''] : next;
    const logs = kept.length === 0 ? [] : [`logs that are kept of exports that ended: ${kept.join(', ')}`];
    throw new UsageError({ tried, happened: linesOf(happened), next: [...steps.filter(Boolean), ...logs] });
  }
}

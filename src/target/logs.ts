import { posix } from 'node:path';
import { linesOf, UsageError } from '../errors.js';
import type { Host } from '../host/host.js';
import { readIfThere } from '../host/if-there.js';
import { driverFor } from './driver.js';
import { EntryStore, exportId } from './entry.js';
import { byRealNames } from './real-names.js';
import { selectEntries } from './unexport.js';

/** Bytes of a log that are shown: its last ones. */
const LONGEST_LOG = 16 << 20;

/**
 * What the target of an export printed since it was exported; a daemon's exports share one log. That of an export that has
 * ended is kept for 14 days (see tidy.ts), under the name of its file.
 * @throws UsageError if there is no such export and no such log
 */
export async function exportLog(
  host: Host,
  name: string,
): Promise<{ id: string; path: string; text: string }> {
  const store = await EntryStore.open(host);
  const { id, path } = await findLog(store, name);
  return { id, path, text: await endOf(host, path) };
}

/** A target that complains without end fills no memory. */
async function endOf(host: Host, path: string): Promise<string> {
  const facts = await host.stat(path);
  if (facts === undefined || facts.size <= LONGEST_LOG) {
    return ((await readIfThere(host, path)) ?? '').toString();
  }
  const { stdout } = await host.run(['tail', '-c', String(LONGEST_LOG), path]);
  const left = facts.size - LONGEST_LOG;
  return `aoe-lab: the first ${left} bytes of ${path} are left out\n${stdout}`;
}

async function findLog(store: EntryStore, name: string): Promise<{ id: string; path: string }> {
  const entries = await store.all();
  try {
    const [entry] = selectEntries(entries, await byRealNames(store.host, entries, [name]));
    if (entry === undefined) throw new TypeError('selectEntries returned nothing');
    return { id: exportId(entry), path: driverFor(store, entry).logPath(entry) };
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

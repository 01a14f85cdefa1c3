/** What a daemon that keeps a status file tells of itself: only what it wrote itself is believed. */

import { parseJson } from '../../base/json.js';
import { startTicks } from '../../base/process-start.js';
import type { Host } from '../../hosts/host/host.js';
import { readIfThere } from '../../hosts/host/if-there.js';
import type { DaemonStatus } from '../../wire/native/status-file.js';
import type { ExportEntry } from './entry.js';

/** Where an export is served. */
type Place = Pick<ExportEntry, 'shelf' | 'slot' | 'iface'>;

/** Finds an export in what a daemon tells of all of its own. */
export function isAt({ shelf, slot, iface }: Place): (told: Place) => boolean {
  return (told) => told.shelf === shelf && told.slot === slot && told.iface === iface;
}

export function daemonStatusPath(folder: string): string {
  return `${folder}/status.json`;
}

/**
 * @param pids of the daemon
 * @returns undefined where there is no such file, or one of another process: of an earlier boot, say, or of one that died
 * @throws SyntaxError if there is one that can't be read; whatever reading throws
 */
export async function daemonStatus(
  host: Host,
  folder: string,
  pids: readonly number[],
): Promise<DaemonStatus | undefined> {
  const text = await readIfThere(host, daemonStatusPath(folder));
  if (text === undefined) return undefined;
  const status = parseJson(text.toString()) as DaemonStatus;
  const { pid, began } = status;
  if (!pids.includes(pid)) return undefined;
  // Written by an earlier version.
  if (began === undefined) return status;
  const [{ bootId }, stat] = await Promise.all([host.facts(), readIfThere(host, `/proc/${pid}/stat`)]);
  return stat !== undefined && began === `${bootId} ${startTicks(stat.toString())}` ? status : undefined;
}

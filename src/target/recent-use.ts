/** Which exports an initiator has just used, as far as that can be known. */
import { setTimeout as sleep } from 'node:timers/promises';
import { LabError } from '../errors.js';
import { readIfThere } from '../host/if-there.js';
import type { DaemonStatus } from '../native/status-file.js';
import { driverFor } from './driver.js';
import { type EntryStore, type ExportEntry, exportId } from './entry.js';
import { findProcesses, signalProcesses } from './processes.js';

/** Seconds. */
export const RECENT = 30;

export interface RecentUse {
  id: string;
  /** Since it was used. */
  seconds: number;
}

/**
 * Pairs of an entry and its file: files written later than their entry, each with its age in seconds. A file that was never
 * written (no blocks) has just been made.
 */
const WRITTEN = `now=$(date +%s)
while [ $# -gt 1 ]; do
  if [ -f "$2" ] && [ "$2" -nt "$1" ] && [ "$(stat -L -c %b "$2")" != 0 ]; then
    echo "$((now - $(stat -L -c %Y "$2"))) $2"
  fi
  shift 2
done`;

/**
 * Exports that were used within the last 30 s. The native target tells of reads, writes and flushes; of others, writes to
 * files show.
 */
export async function recentlyUsed(store: EntryStore, entries: readonly ExportEntry[]): Promise<RecentUse[]> {
  const ages = new Map<string, number>();
  const note = (id: string, seconds: number): void => {
    if (seconds >= RECENT) return;
    ages.set(id, Math.max(0, Math.min(seconds, ages.get(id) ?? seconds)));
  };
  const files = entries.filter(({ backing, phase }) => backing.kind === 'file' && phase === 'running');
  const pairs = files.flatMap((entry) => [store.entryPath(exportId(entry)), entry.backing.path]);
  if (pairs.length > 0) {
    const { stdout } = await store.host.run(['sh', '-c', WRITTEN, 'sh', ...pairs]);
    for (const line of stdout.split('\n').filter(Boolean)) {
      const [age = '', ...path] = line.split(' ');
      const entry = files.find(({ backing }) => backing.path === path.join(' '));
      if (entry !== undefined) note(exportId(entry), Number(age));
    }
  }
  for (const [id, seconds] of await told(store, entries)) note(id, seconds);
  return [...ages].map(([id, seconds]) => ({ id, seconds }));
}

/** What daemons that keep a status file tell: seconds since the last use. */
async function told(store: EntryStore, entries: readonly ExportEntry[]): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  const daemons = entries.filter(({ control }) => control.shape === 'daemon' && control.idle !== undefined);
  if (daemons.length === 0) return found;
  const processes = await findProcesses(store.host, store.folder);
  for (const mark of new Set(daemons.map((entry) => driverFor(store, entry).mark(entry)))) {
    const status = await statusNow(store, mark, processes.get(mark) ?? []);
    for (const entry of daemons) {
      if (status === undefined || driverFor(store, entry).mark(entry) !== mark) continue;
      const one = status.exports.find(
        ({ shelf, slot, iface }) => shelf === entry.shelf && slot === entry.slot && iface === entry.iface,
      );
      if (one?.usedAt === undefined || status.at === undefined) continue;
      found.set(exportId(entry), Math.round((status.at - one.usedAt) / 1000));
    }
  }
  return found;
}

const POLL = 20;
const PATIENCE = 2000;

/** Has a daemon write how it stands now, and reads that; what it last wrote, where it does not within 2 s. */
async function statusNow(
  store: EntryStore,
  folder: string,
  pids: readonly number[],
): Promise<DaemonStatus | undefined> {
  const before = await read(store, folder);
  // One of an earlier version has no handler: the signal would end it.
  if (before === undefined || !pids.includes(before.pid) || !(await handles(store, before.pid)))
    return before;
  await signalProcesses(store.host, [before.pid], 'USR2');
  for (const deadline = Date.now() + PATIENCE; Date.now() < deadline; await sleep(POLL)) {
    const now = await read(store, folder);
    if (now?.at !== undefined && now.at !== before.at) return now;
  }
  return before;
}

const USR2 = 12n;

/** proc(5): SigCgt is a mask in hexadecimal, its lowest bit signal 1. */
async function handles({ host }: EntryStore, pid: number): Promise<boolean> {
  const status = await readIfThere(host, `/proc/${pid}/status`);
  const mask = /^SigCgt:\s*([0-9a-f]+)$/m.exec(status?.toString() ?? '')?.[1];
  return mask !== undefined && (BigInt(`0x${mask}`) & (1n << (USR2 - 1n))) !== 0n;
}

/** @throws LabError if there is one that can't be read: what it tells is not "unused" */
async function read({ host }: EntryStore, folder: string): Promise<DaemonStatus | undefined> {
  const path = `${folder}/status.json`;
  const text = await readIfThere(host, path);
  try {
    return text === undefined ? undefined : (JSON.parse(text.toString()) as DaemonStatus);
  } catch (cause) {
    throw new LabError({
      tried: 'asking which exports initiators have just used',
      happened: `${path} can't be read: ${(cause as Error).message}`,
      next: 'aoe-lab restart has it written again; --allow used ends the export without asking',
      cause,
    });
  }
}

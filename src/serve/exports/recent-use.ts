/** Which exports an initiator has just used, as far as that can be known. */

import { LabError } from '../../base/errors.js';
import { pollUntil } from '../../base/poll.js';
import { readIfThere } from '../../hosts/host/if-there.js';
import type { DaemonStatus } from '../../wire/native/status-file.js';
import { sameFile } from '../storage/snapshot.js';
import { surveyStorage } from '../storage/survey.js';
import { namesOf } from './backing-now.js';
import { daemonStatus, daemonStatusPath, isAt } from './daemon-status.js';
import { driverFor } from './drivers.js';
import { type EntryStore, type ExportEntry, exportId } from './entry.js';
import { type AttachedLoop, loopsIn, ownLoops } from './loops.js';
import { keyOf, openedBy } from './opened.js';
import { findProcesses, signalProcesses } from './processes.js';

/** Seconds. */
export const RECENT = 30;

export interface RecentUse {
  id: string;
  /** Since it was used. */
  seconds: number;
}

/**
 * Pairs of an entry and its file: of files written later than their entry, the number of the pair and the age in seconds. A
 * file that was never written (no blocks) has just been made.
 */
const WRITTEN = `now=$(date +%s) number=0
while [ $# -gt 1 ]; do
  if [ -f "$2" ] && [ "$2" -nt "$1" ] && [ "$(stat -L -c %b "$2")" != 0 ]; then
    echo "$number $((now - $(stat -L -c %Y "$2")))"
  fi
  number=$((number + 1))
  shift 2
done`;

/**
 * Exports that initiators used within the last 30 s. The native target tells of reads, writes and flushes; of others, writes
 * to files show.
 */
export async function recentlyUsed(store: EntryStore, entries: readonly ExportEntry[]): Promise<RecentUse[]> {
  if (entries.length === 0) return [];
  const ages = new Map<string, number>();
  const note = (id: string, seconds: number): void => {
    if (seconds >= RECENT) return;
    ages.set(id, Math.max(0, Math.min(seconds, ages.get(id) ?? seconds)));
  };
  const processes = await findProcesses(store.host, store.folder);
  const known = await told(store, entries, processes);
  for (const [id, seconds] of known) if (seconds !== undefined) note(id, seconds);
  // A file's time changes by what is done on its host as well: it is asked where the target does not tell.
  const untold = entries.filter((entry) => !known.has(exportId(entry)));
  const files = await servedFiles(store, untold, processes);
  if (files.length > 0) {
    const pairs = files.flatMap(({ entry, file }) => [store.entryPath(exportId(entry)), file]);
    const { stdout } = await store.host.run(['sh', '-c', WRITTEN, 'sh', ...pairs]);
    for (const line of stdout.split('\n').filter(Boolean)) {
      const [number = 0, age = 0] = line.split(' ').map(Number);
      const entry = files[number]?.entry;
      if (entry !== undefined) note(exportId(entry), age);
    }
  }
  return [...ages].map(([id, seconds]) => ({ id, seconds }));
}

/**
 * The files that exports serve now, each by a name that leads to that very one: what has taken its name meanwhile was written
 * by no initiator.
 */
async function servedFiles(
  store: EntryStore,
  entries: readonly ExportEntry[],
  processes: ReadonlyMap<string, number[]>,
): Promise<{ entry: ExportEntry; file: string }[]> {
  const { host } = store;
  const some = entries.filter(({ backing, phase }) => backing.kind === 'file' && phase === 'running');
  if (some.length === 0) return [];
  const pidsOf = (entry: ExportEntry): number[] => processes.get(driverFor(store, entry).mark(entry)) ?? [];
  const [{ seen: opened }, snapshot] = await Promise.all([
    openedBy(host, [...new Set(some.flatMap(pidsOf))]),
    surveyStorage(host, some.flatMap(namesOf), 'names'),
  ]);
  const loops = loopsIn(snapshot);
  const found: { entry: ExportEntry; file: string }[] = [];
  for (const entry of some) {
    const { name, loop, identity: then } = entry.backing;
    const now = snapshot.names.get(name)?.node?.id;
    if (loop) {
      const own = await ownLoops(store, entry, async () => loops);
      // An old losetup tells the name alone.
      const isServed = ({ id }: AttachedLoop): boolean => id === undefined || sameFile(id, now);
      if (loops.some((one) => own.includes(one.device) && isServed(one))) found.push({ entry, file: name });
      continue;
    }
    const pids = pidsOf(entry);
    const file = pids
      .flatMap((pid) => opened.get(pid) ?? [])
      .flatMap(({ files }) =>
        [then, now].flatMap((id) => (id && 'dev' in id ? (files.get(keyOf(id)) ?? []) : [])),
      )
      .at(0);
    if (file !== undefined) found.push({ entry, file: file.at });
    // One that this user can't look into serves what its name meant.
    else if (pids.some((pid) => !opened.has(pid)) && then?.kind === 'file' && sameFile(then, now)) {
      found.push({ entry, file: name });
    }
  }
  return found;
}

/** What daemons that keep a status file tell: seconds since the last use, undefined where there was none. */
async function told(
  store: EntryStore,
  entries: readonly ExportEntry[],
  processes: ReadonlyMap<string, number[]>,
): Promise<Map<string, number | undefined>> {
  const found = new Map<string, number | undefined>();
  const daemons = entries.filter(({ control }) => control.shape === 'daemon' && control.idle !== undefined);
  if (daemons.length === 0) return found;
  for (const mark of new Set(daemons.map((entry) => driverFor(store, entry).mark(entry)))) {
    const status = await statusNow(store, mark, processes.get(mark) ?? []);
    for (const entry of daemons) {
      if (status === undefined || driverFor(store, entry).mark(entry) !== mark) continue;
      const one = status.exports.find(isAt(entry));
      if (one === undefined || status.at === undefined) continue;
      const seconds = one.usedAt === undefined ? undefined : Math.round((status.at - one.usedAt) / 1000);
      found.set(exportId(entry), seconds);
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
  const before = await read(store, folder, pids);
  // One of an earlier version has no handler: the signal would end it.
  if (before === undefined || !(await handles(store, before.pid))) return before;
  await signalProcesses(store.host, store.folder, [before.pid], 'USR2');
  const newer = async (): Promise<DaemonStatus | undefined> => {
    const now = await read(store, folder, pids);
    return now?.at !== undefined && now.at !== before.at ? now : undefined;
  };
  return (await pollUntil(newer, { every: POLL, patience: PATIENCE })) ?? before;
}

const USR2 = 12n;

/** proc(5): SigCgt is a mask in hexadecimal, its lowest bit signal 1. */
async function handles({ host }: EntryStore, pid: number): Promise<boolean> {
  const status = await readIfThere(host, `/proc/${pid}/status`);
  const mask = /^SigCgt:\s*([0-9a-f]+)$/m.exec(status?.toString() ?? '')?.[1];
  return mask !== undefined && (BigInt(`0x${mask}`) & (1n << (USR2 - 1n))) !== 0n;
}

/** @throws LabError if there is one that can't be read: what it tells is not "unused" */
async function read(
  { host }: EntryStore,
  folder: string,
  pids: readonly number[],
): Promise<DaemonStatus | undefined> {
  try {
    return await daemonStatus(host, folder, pids);
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new LabError({
      tried: 'asking which exports initiators have just used',
      happened: `${daemonStatusPath(folder)} can't be read: ${cause.message}`,
      next: 'aoe-lab restart has it written again; --allow used ends the export without asking',
      cause,
    });
  }
}

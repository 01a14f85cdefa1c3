import { LabError } from '../../base/errors.js';
import type { Host } from '../../hosts/host/host.js';
import { formatMac, identifiedSectors } from '../../wire/aoe/index.js';
import type { Counters } from '../../wire/native/counters.js';
import { describeLimits } from '../../wire/native/limits.js';
import { toldFaults } from '../../wire/native/status-file.js';
import type { StorageSnapshot } from '../storage/snapshot.js';
import { surveyStorage } from '../storage/survey.js';
import { type ExportAccess, judgeAccess, keptAccess } from './access.js';
import { judgeServed } from './backing-faults.js';
import { namesOf } from './backing-now.js';
import { clashes } from './claims.js';
import { driverFor } from './drivers.js';
import type { RestartPolicy } from './entry.js';
import { EntryStore, type ExportEntry, exportId, sectorsOf, type UnreadableEntry } from './entry.js';
import { withOther } from './garbage.js';
import { HostSnapshot } from './host-snapshot.js';
import { type PacketSockets, socketsOf } from './listening.js';
import { loopsIn, ownLoops } from './loops.js';
import { Network } from './network.js';
import { type Opened, openedBy, withoutOwn } from './opened.js';
import { copyPaths, describeCopyFault, thereIn } from './own-copy.js';
import { persistenceFaults } from './persist/faults.js';
import { persistenceWarnings } from './persist/warnings.js';
import { type ProcessRights, rightsOf, togetherMay } from './process-rights.js';
import { findProcesses } from './processes.js';
import { byRealNames } from './real-names.js';
import { rightsWarnings } from './rights-warnings.js';
import { nameOf } from './roll-back.js';
import { sizeWarnings } from './size-warnings.js';
import { selectEntries } from './unexport.js';
import { isOwn, type WireAnswer } from './wire.js';
import { wireDifferences } from './wire-differences.js';

export interface ExportStatus {
  id: string;
  implementation: string;
  release: string;
  shelf: number;
  slot: number;
  iface: string;
  netns: string | undefined;
  /** As the user typed it, absolute. */
  file: string;
  /** What that means now, links resolved; null where it means nothing. */
  resolved: string | null;
  /** Bytes that are served. */
  size: number;
  /** Bytes of the file or device when its target was started by a command. */
  backingSize: number;
  /** Bytes of the file now; null of a block device, and where there is nothing. */
  fileSize: number | null;
  /** The file was made for it. */
  made: boolean;
  /** A loop device is between file and target. */
  loop: boolean;
  device: string | undefined;
  since: string;
  /**
   * serving: all that could be looked at is as it should be
   * impaired: it is there, but something differs
   * down: no process and no module serves it
   * unfinished: the command that made or ended it was killed; the next changing command undoes it
   */
  state: 'serving' | 'impaired' | 'down' | 'unfinished';
  pids: number[];
  /** Whether its address answered when asked from elsewhere; `unchecked` where this host has no such place. */
  wire: WireAnswer;
  /** Why the wire was not asked; null where it was, or nothing is there to answer. */
  unchecked: string | null;
  /** How reality differs from the entry, and what to do about each. */
  faults: string[];
  /** What may go wrong later, at a reboot say, though nothing is wrong now. */
  warnings: string[];
  /** What would repair the faults: a restart, or a person who sees to its interface or its file; null if none would. */
  remedy: 'restart' | 'interface' | 'file' | null;
  /** What that person is to do about its file; null where there is nothing to be said. */
  next: string | null;
  /** MAC of its interface; null if that is gone. */
  mac: string | null;
  /** The lab that it was made for; null: none. */
  lab: ExportEntry['lab'] | null;
  options: ExportEntry['options'];
  /** When its process is started again by itself; null: never. */
  restart: RestartPolicy | null;
  /** Whether it is brought back after a reboot. */
  persist: boolean;
  log: string;
  /** What it has done since its process began; null where a target does not tell. */
  counters: Counters | null;
  /** How the native target moves frames and sectors: "receive ring, sendmmsg, io_uring". */
  datapath: string | null;
  /** As `datapath`, which was called so in 0.1.0; the next version leaves it out. */
  path: string | null;
  /** Sectors that its clients are told now; null where a target does not tell. */
  sectors: number | null;
  /** What initiators have set on it over the wire; null where nothing is known of it. */
  access: ExportAccess | null;
  /** What its processes may do of what root may; null where it has none, as a kernel module, or none is told of. */
  rights: ProcessRights | null;
}

export interface StatusReport {
  exports: ExportStatus[];
  /** Processes of ours that belong to no export; the next changing command ends them. */
  orphans: { mark: string; pids: number[] }[];
  /** Files among the entries that can't be read as such; changing commands refuse to work beside them. */
  unreadable: UnreadableEntry[];
  /** Folder the entries lie in. */
  stateFolder: string;
}

/**
 * Compares entries with what is really there; changes nothing.
 * @param which as `selectEntries` takes them. Default: all
 * @throws UsageError as that does
 */
export async function exportStatus(host: Host, which: readonly string[] = []): Promise<StatusReport> {
  const store = await EntryStore.open(host);
  const [{ entries, unreadable }, processes] = await Promise.all([
    store.readable(),
    findProcesses(host, store.folder),
  ]);
  const asked =
    which.length === 0 ? entries : selectEntries(entries, await byRealNames(host, entries, which));
  const network = new Network(host, async () => processes.values());
  const hostSnapshot = new HostSnapshot(host, network, entries);
  const pids = entries.flatMap((entry) => processes.get(driverFor(store, entry).mark(entry)) ?? []);
  const distinct = [...new Set(pids)];
  const [snapshot, opened, rights, sockets] = await Promise.all([
    surveyStorage(
      host,
      entries.flatMap((entry) => [...namesOf(entry), ...copyPaths(store, entry)]),
      'names',
    ),
    openedBy(host, distinct),
    rightsOf(host, distinct),
    socketsOf(host, distinct),
  ]);
  const counts = new Map<string, number>();
  for (const entry of entries) {
    const mark = driverFor(store, entry).mark(entry);
    counts.set(mark, (counts.get(mark) ?? 0) + 1);
  }
  const seen: Seen = {
    processes,
    hostSnapshot,
    snapshot,
    opened,
    rights,
    sockets,
    counts,
    clashes: clashes(snapshot, entries),
  };
  const exports = await Promise.all(asked.map((entry) => inspect(store, entry, seen))).finally(() =>
    network.close(),
  );
  const marks = new Set(entries.flatMap(withOther).map((entry) => driverFor(store, entry).mark(entry)));
  const orphans = [...processes].filter(([mark]) => !marks.has(mark)).map(([mark, pids]) => ({ mark, pids }));
  return { exports, orphans, unreadable, stateFolder: store.folder };
}

/** What was looked at once for all exports. */
interface Seen {
  processes: ReadonlyMap<string, number[]>;
  hostSnapshot: HostSnapshot;
  snapshot: StorageSnapshot;
  opened: ReadonlyMap<number, Opened>;
  rights: ReadonlyMap<number, ProcessRights>;
  sockets: ReadonlyMap<number, PacketSockets>;
  /** Exports of each mark. */
  counts: ReadonlyMap<string, number>;
  clashes: ReturnType<typeof clashes>;
}

async function inspect(store: EntryStore, entry: ExportEntry, seen: Seen): Promise<ExportStatus> {
  const { processes, hostSnapshot, snapshot, opened, rights } = seen;
  const driver = driverFor(store, entry);
  const id = exportId(entry);
  const { told, waits, untold } = await hostSnapshot.toldBy(
    driver.mark(entry),
    entry,
    processes.get(driver.mark(entry)) ?? [],
  );
  const [iface, loops] = await Promise.all([
    hostSnapshot.interfaceOf(entry),
    ownLoops(store, entry, async () => loopsIn(snapshot)),
  ]);
  const faults: string[] = [];
  faults.push(...toldFaults(told ?? {}), ...(untold === undefined ? [] : [untold]));
  const isDetached = entry.backing.loop && loops.length === 0;
  const unkept = entry.persist ? await persistenceFaults(store, entry) : [];
  try {
    const uncopied = describeCopyFault(store, entry, thereIn(snapshot));
    if (uncopied !== undefined) unkept.push(uncopied);
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    faults.push(error.message);
  }
  const {
    state: runState,
    pids,
    fault,
  } = entry.held === undefined
    ? await driver.runState(
        entry,
        iface,
        async () => processes,
        async () => seen.sockets,
      )
    : { state: 'absent' as const, pids: [], fault: `its daemon was started without it: ${entry.held}` };
  const kept = await keptAccess(store.host, driver.mark(entry), entry, told);
  if (kept !== undefined && entry.phase === 'running' && entry.options.lockAccess && !kept.locked) {
    unkept.push('its target lets initiators change config string, mask list and reservation, and should not');
  }
  const isAsked = entry.phase === 'running' && runState !== 'absent';
  const place = await hostSnapshot.place({ ...entry, masks: kept?.masks }, pids, isAsked);
  const station = iface && place.wire.stations.find(({ mac }) => isOwn(formatMac(mac), entry, iface));
  const heard = station?.identity;
  const backing = judgeServed(
    {
      snapshot,
      // Of one that can't be looked into nothing is known.
      opened: pids.every((pid) => opened.has(pid))
        ? withoutOwn(
            pids.flatMap((pid) => opened.get(pid) ?? []),
            store.folder,
          )
        : [],
      isServed: runState !== 'absent' && !isDetached,
      isShared: (seen.counts.get(driver.mark(entry)) ?? 1) > 1,
      told: told?.opened,
      sectors: told?.sectors ?? (heard && identifiedSectors(heard)),
    },
    entry,
  );
  faults.push(...backing.faults.map(({ text }) => text));
  const clash = seen.clashes.get(id);
  if (clash !== undefined) {
    faults.push(
      `${clash.join(' and ')} export${clash.length === 1 ? 's' : ''} the same bytes: end all but one, or aoe-lab restart ${id} --allow exported`,
    );
  }
  const isWaiting = runState !== 'absent' && waits !== undefined;
  if (isWaiting) faults.push(`it is not served yet: ${waits}`);
  faults.push(...place.faults.map(({ text }) => text));
  // How many sectors it serves was judged above.
  if (heard !== undefined) faults.push(...wireDifferences(entry, { ...heard, sectors: null }));
  if (entry.migration !== undefined) faults.push(describeMove(entry, entry.migration.other));
  const broken = [
    ...(isDetached ? ['no loop device'] : []),
    ...unkept,
    ...(fault === undefined || isWaiting ? [] : [fault]),
  ];
  const isBroken =
    broken.length > 0 ||
    place.faults.some(({ remedy }) => remedy === 'restart') ||
    backing.faults.some(({ remedy }) => remedy === 'restart');
  const needsPerson = clash !== undefined || backing.faults.some(({ remedy }) => remedy === 'file');
  // What a restart would refuse is not sent to it.
  faults.push(...broken.map((what) => (needsPerson ? what : `${what}: aoe-lab restart ${id}`)));
  if (isHalf(entry)) faults.splice(0, Number.POSITIVE_INFINITY, describeHalf(entry));
  const datapath = told?.datapath ?? earlierDatapath(told);
  const state =
    entry.phase !== 'running'
      ? 'unfinished'
      : runState === 'absent'
        ? 'down'
        : faults.length > 0
          ? 'impaired'
          : 'serving';
  return {
    id,
    implementation: entry.implementation,
    release: entry.release,
    shelf: entry.shelf,
    slot: entry.slot,
    iface: entry.iface,
    netns: entry.netns,
    file: entry.backing.name,
    resolved: backing.now?.path ?? null,
    size: (told?.sectors ?? sectorsOf(entry)) * 512,
    backingSize: entry.backing.size,
    fileSize: backing.now?.kind === 'file' ? backing.size : null,
    made: entry.backing.made,
    loop: entry.backing.loop,
    device: loops[0],
    since: entry.since,
    state,
    pids,
    wire: place.wire.answer,
    unchecked: place.wire.unchecked,
    faults,
    warnings: [
      ...sizeWarnings(entry, told?.sectors),
      ...(told?.limits === undefined ? [] : [describeLimits(told.limits)]),
      ...(await rightsWarnings(store, entry)),
      ...(await persistenceWarnings(entry, iface, () => hostSnapshot.networkFiles())),
    ],
    remedy: isHalf(entry)
      ? null
      : place.faults.some(({ remedy }) => remedy === 'interface')
        ? 'interface'
        : needsPerson
          ? 'file'
          : isBroken
            ? 'restart'
            : null,
    next: backing.faults.find(({ next }) => next !== undefined)?.next ?? null,
    mac: iface?.mac ?? null,
    lab: entry.lab ?? null,
    options: entry.options,
    restart: entry.restart ?? null,
    persist: entry.persist ?? false,
    log: driver.logPath(entry),
    counters: told?.counters ?? null,
    datapath,
    path: datapath,
    sectors: told?.sectors ?? null,
    access: judgeAccess(kept, station),
    rights: togetherMay(pids, rights),
  };
}

/** Daemons of 0.1.0, which may still run, tell it by another name. */
function earlierDatapath(told: object | undefined): string | null {
  return told !== undefined && 'path' in told && typeof told.path === 'string' ? told.path : null;
}

/** Whether a command that made or ended it was killed. */
function isHalf({ phase, migration }: ExportEntry): boolean {
  return phase !== 'running' && migration === undefined;
}

function describeHalf(entry: ExportEntry): string {
  const what = entry.phase === 'stopping' ? 'ends it' : 'makes it';
  return `a command ${what}, or was killed at that: the next one that changes something here ends it, as aoe-lab unexport ${exportId(entry)} does`;
}

function describeMove(entry: ExportEntry, other: ExportEntry): string {
  const [old, next] = entry.phase === 'moving' ? [other, entry] : [entry, other];
  return `it moves from ${nameOf(old)} to ${nameOf(next)}, or a command that did so was killed: then the next one gives it back`;
}

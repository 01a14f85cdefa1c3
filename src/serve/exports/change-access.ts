/** Access set over the wire, shown, cleared and fixed by whoever runs the export. */

import { randomBytes } from 'node:crypto';
import { type ErrorFacts, LabError, UsageError } from '../../base/errors.js';
import { pollUntilTrue } from '../../base/poll.js';
import type { Host } from '../../hosts/host/host.js';
import { quoteArgv } from '../../hosts/host/quote.js';
import type { ToldAccess } from '../../wire/native/status-file.js';
import { type ExportAccess, judgeAccess } from './access.js';
import { daemonStatus, isAt } from './daemon-status.js';
import { driverFor } from './drivers.js';
import { EntryStore, type ExportEntry, exportId } from './entry.js';
import { requireOwn } from './export-interface.js';
import { clearKept } from './kept-lists.js';
import { runsOwnCode } from './own-code.js';
import { reconcilePersistence } from './persist/reconcile.js';
import { processesOf } from './processes.js';
import { byRealNames } from './real-names.js';
import { type Recovery, recover } from './recover.js';
import { restartTargets } from './restart.js';
import { nameOf } from './roll-back.js';
import { exportStatus } from './status.js';
import { selectEntries } from './unexport.js';
import { exportName } from './variables.js';
import { openVantage } from './wire.js';
import { readWireState } from './wire-state.js';

export interface AccessReport {
  exports: {
    id: string;
    implementation: string;
    release: string;
    /** Its own list of initiators: its option, which nobody changes over the wire. */
    macs: string[];
    /** Its target refuses changes over the wire, or will when it runs. */
    locked: boolean;
    access: ExportAccess | null;
    /** Why that is not known; null where it is. */
    unknown: string | null;
  }[];
}

export interface AccessChange {
  /** Mask list and reservation go. */
  clear: boolean;
  /** Whether initiators may change anything but data; undefined: as it is. */
  lock?: boolean | undefined;
}

const POLL = 50;
/** Milliseconds until a daemon that was told has to have done it. */
const PATIENCE = 20_000;

/** @param which as in `unexportTargets` */
export async function showAccess(host: Host, which: readonly string[] | undefined): Promise<AccessReport> {
  const store = await EntryStore.open(host);
  const { entries } = await store.readable();
  const names = await byRealNames(host, entries, which ?? entries.map(exportId));
  const chosen = selectEntries(entries, names);
  const { exports } = await exportStatus(host);
  const shown = chosen.map(async (entry) => {
    const id = exportId(entry);
    const status = exports.find((one) => one.id === id);
    const known = status?.access ?? null;
    const isWhole = known !== null && known.masks !== null;
    const asked = isWhole || status?.state === 'down' ? { access: known } : await ask(host, entry);
    const access = asked.access ?? known;
    const why = 'reason' in asked ? asked.reason : 'its target does not run';
    const { implementation, release, options } = entry;
    const limits = { macs: options.macs ?? [], locked: access?.locked ?? options.lockAccess ?? false };
    const unknown = access !== null && access.masks !== null ? null : why;
    return { id, implementation, release, ...limits, access, unknown };
  });
  return { exports: await Promise.all(shown) };
}

/** Of targets that keep it in their memory the wire alone tells. */
async function ask(
  host: Host,
  entry: ExportEntry,
): Promise<{ access: ExportAccess } | { access: null; reason: string }> {
  if (!host.isHere) {
    return {
      access: null,
      reason: 'its target keeps it in memory, and hosts over SSH are not asked over the wire',
    };
  }
  try {
    const iface = await requireOwn(host, entry);
    const link = await openVantage(host, entry, iface);
    if (link === undefined)
      return { access: null, reason: 'this host has no place from which its target answers' };
    try {
      const state = await readWireState(link, entry, iface);
      return { access: judgeAccess({ ...state, locked: false }, undefined) as ExportAccess };
    } finally {
      await link.close();
    }
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    return {
      access: null,
      reason: `${[error.facts.happened].flat().join('; ')}: a MAC mask list may leave this host out`,
    };
  }
}

/**
 * Clears what initiators have set on exports, or fixes it. An export that several interfaces serve is changed on all of them.
 * @param which as in `unexportTargets`
 * @returns those that were restarted for it, and have forgotten their config string as well
 * @throws UsageError if one of them can't be changed so; then none is
 */
export async function changeAccess(
  host: Host,
  which: readonly string[],
  change: AccessChange,
  onRecovery: (recovery: Recovery) => void,
): Promise<string[]> {
  const store = await EntryStore.open(host);
  const lock = await store.lock();
  let restarted: string[];
  try {
    onRecovery(await recover(store));
    const entries = await store.all();
    const chosen = selectEntries(entries, await byRealNames(host, entries, which));
    for (const entry of chosen) requireChangeable(entry, change);
    const together = entries.filter((entry) => chosen.some((one) => isTwin(store, one, entry)));
    await changeFiles(store, together, change);
    await changeTold(store, together, change);
    restarted = together.filter(({ control }) => change.clear && control.access === 'memory').map(exportId);
  } finally {
    await lock.release();
  }
  if (restarted.length > 0) await restartTargets(host, restarted);
  return restarted;
}

function isTwin(store: EntryStore, one: ExportEntry, other: ExportEntry): boolean {
  if (exportId(one) === exportId(other)) return true;
  const mark = (entry: ExportEntry): string => driverFor(store, entry).mark(entry);
  const isSame =
    one.shelf === other.shelf && one.slot === other.slot && one.backing.path === other.backing.path;
  return isSame && mark(one) === mark(other);
}

function requireChangeable(entry: ExportEntry, { clear, lock }: AccessChange): void {
  const { control } = entry;
  const id = exportId(entry);
  const complain = (facts: Omit<ErrorFacts, 'tried'>): UsageError =>
    new UsageError({ tried: `changing who may use ${id}`, ...facts });
  const renew = quoteArgv(['aoe-lab', 'restart', id, '--upgrade']);
  // What was exported by an earlier version runs that one's code.
  const isOld = control.shape === 'daemon' && runsOwnCode(control) && control.access === undefined;
  if (isOld) {
    throw complain({
      happened: `the copy of ${nameOf(entry)} that it runs from can't do that yet`,
      next: renew,
    });
  }
  if (lock && control.options.lockAccess === undefined) {
    throw complain({
      happened: `${nameOf(entry)} can't be told to refuse changes over the wire`,
      next: [
        `move it to one that can: ${quoteArgv(['aoe-lab', 'migrate', id, '--to', 'native'])}`,
        'or keep strangers off its segment',
      ],
    });
  }
  if (!clear) return;
  if (control.access === undefined) {
    throw complain({
      happened: `${nameOf(entry)} has neither a MAC mask list nor a reservation`,
      next: 'its config string is set over the wire, by force if need be',
    });
  }
  if (control.access === 'memory' && control.shape === 'control-file') {
    throw complain({
      happened: `${nameOf(entry)} keeps them in the kernel's memory until it is restarted, with all that it serves`,
      next: quoteArgv(['aoe-lab', 'restart', id]),
    });
  }
}

async function changeFiles(
  store: EntryStore,
  entries: readonly ExportEntry[],
  { clear }: AccessChange,
): Promise<void> {
  if (!clear) return;
  for (const entry of entries) {
    if (entry.control.access !== 'files') continue;
    await clearKept(store.host, driverFor(store, entry).mark(entry), exportName(entry));
  }
}

/** The entry first: what is left of a killed command is done with the next change, or the next start. */
async function changeTold(
  store: EntryStore,
  entries: readonly ExportEntry[],
  change: AccessChange,
): Promise<void> {
  const order = `${new Date().toISOString()} ${randomBytes(4).toString('hex')}`;
  const changed: ExportEntry[] = [];
  for (const entry of entries) {
    if (entry.control.access !== 'told') continue;
    const { lockAccess: _, ...others } = entry.options;
    const next: ExportEntry = {
      ...entry,
      ...(change.clear ? { accessCleared: order } : {}),
      // That it is off is kept, as it is on by itself where there is a list.
      ...(change.lock === undefined ? {} : { options: { ...others, lockAccess: change.lock } }),
    };
    await store.write(next);
    changed.push(next);
  }
  if (changed.some(({ persist }) => persist)) await reconcilePersistence(store, false);
  const marks = new Map(changed.map((entry) => [driverFor(store, entry).mark(entry), entry]));
  for (const entry of marks.values()) await driverFor(store, entry).retell?.(entry);
  for (const entry of changed) await waitUntilDone(store, entry, change.clear ? order : undefined);
}

async function waitUntilDone(
  store: EntryStore,
  entry: ExportEntry,
  order: string | undefined,
): Promise<void> {
  const { host } = store;
  const mark = driverFor(store, entry).mark(entry);
  const isIt = isAt(entry);
  const isDone = ({ locked, cleared }: ToldAccess): boolean =>
    locked === (entry.options.lockAccess ?? false) && (order === undefined || cleared === order);
  const isOver = async (): Promise<boolean> => {
    const pids = await processesOf(host, store.folder, mark);
    // It has its configuration, and does so when it is started.
    if (pids.length === 0) return true;
    const status = await daemonStatus(host, mark, pids);
    if (status?.waiting.some(isIt)) return true;
    const access = status?.exports.find(isIt)?.access;
    return access !== undefined && isDone(access);
  };
  if (await pollUntilTrue(isOver, { every: POLL, patience: PATIENCE })) return;
  throw new LabError({
    tried: `telling ${nameOf(entry)} who may use ${exportId(entry)}`,
    happened: `it had not done so after ${PATIENCE / 1000} s`,
    next: quoteArgv(['aoe-lab', 'restart', exportId(entry)]),
    log: driverFor(store, entry).logPath(entry),
  });
}

import { setTimeout as sleep } from 'node:timers/promises';
import { LabError, linesOf } from '../../base/errors.js';
import { listInterfaces } from '../../hosts/host/interface.js';
import { findInterface } from '../../hosts/host/interface-choice.js';
import type { InterfaceFacts } from '../../hosts/host/interface-facts.js';
import { type InterfaceObjection, linkObjection } from '../../hosts/host/interface-objection.js';
import type { AnnouncementWatch } from './announcement.js';
import { driverFor } from './drivers.js';
import { type EntryStore, type ExportEntry, exportId } from './entry.js';
import { linesSinceMark } from './log-marks.js';
import { requireRightFile } from './opened-right.js';
import { findProcesses } from './processes.js';
import type { RunState } from './run-state.js';
import { meaningOf } from './says.js';
import { exportedPath, exportVariables } from './variables.js';

const POLL = 25;
/** Milliseconds; node takes more than 5 s to start on a slow or a busy host. */
const PATIENCE = 20_000;
/** Polls without it after which a start counts as failed; a fresh child may still be before its exec. */
const GRACE = 4;
/** Lines of its log that are shown, and among which a known one is looked for: what says why may not be the last. */
const SHOWN = 5;
const LOOKED_AT = 100;

/**
 * Waits until the target of an entry serves its interface.
 * @returns the process ids
 * @throws LabError with the end of its log if it ended or stays deaf for 20 s
 */
export async function waitUntilListening(
  store: EntryStore,
  entry: ExportEntry,
  iface: InterfaceFacts,
): Promise<number[]> {
  const driver = driverFor(store, entry);
  const deadline = performance.now() + PATIENCE;
  let absent = 0;
  let runState: RunState = { state: 'absent', pids: [] };
  const look = (): Promise<RunState> =>
    driver.runState(entry, iface, () => findProcesses(store.host, store.folder));
  while (performance.now() < deadline && absent < GRACE) {
    runState = await look();
    if (runState.state === 'serving') {
      let { pids } = runState;
      // A kernel module has none.
      if (pids.length > 1) {
        // What looked for its disk before the start bears its mark too, and is gone when it serves.
        const now = await look();
        pids = pids.filter((pid) => now.pids.includes(pid));
      }
      await requireRightFile(store, entry, pids);
      return pids;
    }
    absent = runState.state === 'absent' ? absent + 1 : 0;
    await sleep(POLL);
  }
  throw await failure(
    store,
    entry,
    runState.state === 'absent'
      ? `it ended at once: ${runState.fault}`
      : `it runs, but ${runState.fault} after ${PATIENCE / 1000} s`,
  );
}

/**
 * Waits until the target of an entry has announced it.
 * @throws LabError with the end of its log if it stays silent: a daemon skips what its configuration can't express
 */
export async function requireAnnouncement(
  store: EntryStore,
  entry: ExportEntry,
  watch: AnnouncementWatch,
): Promise<void> {
  if (!entry.control.announces || (await watch.heard(entry))) return;
  throw await failure(
    store,
    entry,
    `it runs but did not announce e${entry.shelf}.${entry.slot} on ${entry.iface}`,
    await linkTrouble(store, entry),
  );
}

/** What keeps frames from leaving its interface now; undefined if nothing does. */
async function linkTrouble(
  { host }: EntryStore,
  { netns, iface }: ExportEntry,
): Promise<InterfaceObjection | undefined> {
  const all = await listInterfaces(host.inNamespace(netns));
  const facts = findInterface(all, iface);
  if (facts === undefined) return { happened: `the interface ${iface} is gone`, next: 'make it again' };
  return linkObjection(facts, all, netns);
}

/** @param cause what is known to be in its way, whatever its log says */
async function failure(
  store: EntryStore,
  entry: ExportEntry,
  happened: string,
  cause?: InterfaceObjection,
): Promise<LabError> {
  const lines = await lastWords(store, driverFor(store, entry).logPath(entry));
  const path = await exportedPath(store, entry).catch(() => entry.backing.opens);
  const meaning = meaningOf(entry.control.says, lines, exportVariables(store, entry, path));
  const shown = lines.slice(-SHOWN);
  if (meaning !== undefined && !shown.includes(meaning.line)) shown.unshift(meaning.line);
  return new LabError({
    tried: `starting ${entry.implementation} ${entry.release} for ${exportId(entry)}`,
    happened: [
      happened,
      ...shown.map((line) => `it said: ${line}`),
      ...(meaning === undefined ? [] : [meaning.means]),
      ...(cause === undefined ? [] : [cause.happened]),
    ],
    next:
      (cause === undefined ? undefined : [cause.next, 'run the command again']) ??
      meaning?.next ??
      'correct what it complains about, then run the command again',
  });
}

/** The same error, of an export whose log goes with it: with the log's last lines in the place of its name. */
export async function withLastWords(store: EntryStore, entry: ExportEntry, error: unknown): Promise<unknown> {
  if (entry.keepLog !== false || !(error instanceof LabError) || error.facts.log === undefined) return error;
  const { log, happened, ...facts } = error.facts;
  const lines = await lastWords(store, log);
  const said = lines.slice(-SHOWN).map((line) => `it said: ${line}`);
  return new LabError({ ...facts, happened: [...linesOf(happened), ...said], cause: error });
}

async function lastWords(store: EntryStore, log: string): Promise<string[]> {
  const text = await store.host.read(log).catch(() => Buffer.alloc(0));
  return linesSinceMark(text.toString().trimEnd().split('\n'))
    .slice(-LOOKED_AT)
    .filter((line) => line !== '');
}

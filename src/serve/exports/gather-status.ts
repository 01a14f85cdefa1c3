/** Everything that `status` asks a host about an export. */
import { LabError } from '../../base/errors.js';
import { formatMac } from '../../wire/aoe/index.js';
import type { Station } from '../../wire/initiator/who-answers.js';
import type { StorageSnapshot } from '../storage/snapshot.js';
import { type KeptAccess, keptAccess } from './access.js';
import type { clashes } from './claims.js';
import { driverFor } from './drivers.js';
import { type EntryStore, type ExportEntry, exportId } from './entry.js';
import type { HostSnapshot } from './host-snapshot.js';
import type { PacketSockets } from './listening.js';
import { loopsIn, ownLoops } from './loops.js';
import { type Opened, withoutOwn } from './opened.js';
import { describeCopyFault, thereIn } from './own-copy.js';
import { persistenceFaults } from './persist/faults.js';
import { persistenceWarnings } from './persist/warnings.js';
import { type ProcessRights, togetherMay } from './process-rights.js';
import { rightsWarnings } from './rights-warnings.js';
import type { RunState } from './run-state.js';
import { isOwn } from './wire.js';

/** What was looked at once for all exports. */
export interface Shared {
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

type Told = Awaited<ReturnType<HostSnapshot['toldBy']>>;
type Place = Awaited<ReturnType<HostSnapshot['place']>>;

/** What is known of one export. */
export interface Gathered extends Told {
  snapshot: StorageSnapshot;
  iface: Awaited<ReturnType<HostSnapshot['interfaceOf']>>;
  /** Loop devices between its file and its target. */
  loops: readonly string[];
  /** What is wrong with what brings it back after a reboot. */
  persistence: readonly string[];
  /** What is wrong with what it runs from. */
  copy: string | undefined;
  /** Why that could not be looked at. */
  copyUnknown: string | undefined;
  run: RunState;
  kept: KeptAccess | undefined;
  place: Place;
  /** Of who answers on the wire, the one that is this export. */
  station: Station | undefined;
  /** What its processes have open that they could serve; nothing, where one of them can't be looked into. */
  opened: readonly Opened[];
  /** Whether its processes serve other exports as well. */
  isShared: boolean;
  /** Exports of the same bytes. */
  clash: readonly string[] | undefined;
  rights: ProcessRights | null;
  rightsWarnings: readonly string[];
  persistenceWarnings: readonly string[];
  log: string;
}

export async function gatherStatus(store: EntryStore, entry: ExportEntry, shared: Shared): Promise<Gathered> {
  const { processes, hostSnapshot, snapshot, opened, rights, sockets, counts, clashes } = shared;
  const driver = driverFor(store, entry);
  const mark = driver.mark(entry);
  const [said, iface, loops] = await Promise.all([
    hostSnapshot.toldBy(mark, entry, processes.get(mark) ?? []),
    hostSnapshot.interfaceOf(entry),
    ownLoops(store, entry, async () => loopsIn(snapshot)),
  ]);
  const persistence = entry.persist ? await persistenceFaults(store, entry) : [];
  const run =
    entry.held === undefined
      ? await driver.runState(
          entry,
          iface,
          async () => processes,
          async () => sockets,
        )
      : { state: 'absent' as const, pids: [], fault: `its daemon was started without it: ${entry.held}` };
  const { pids, state } = run;
  const kept = await keptAccess(store.host, mark, entry, said.told);
  const isAsked = entry.phase === 'running' && state !== 'absent';
  const place = await hostSnapshot.place({ ...entry, masks: kept?.masks }, pids, isAsked);
  return {
    ...said,
    snapshot,
    iface,
    loops,
    persistence,
    ...copyOf(store, entry, snapshot),
    run,
    kept,
    place,
    station: iface && place.wire.stations.find(({ mac }) => isOwn(formatMac(mac), entry, iface)),
    opened: pids.every((pid) => opened.has(pid))
      ? withoutOwn(
          pids.flatMap((pid) => opened.get(pid) ?? []),
          store.folder,
        )
      : [],
    isShared: (counts.get(mark) ?? 1) > 1,
    clash: clashes.get(exportId(entry)),
    rights: togetherMay(pids, rights),
    rightsWarnings: await rightsWarnings(store, entry),
    persistenceWarnings: await persistenceWarnings(entry, iface, () => hostSnapshot.networkFiles()),
    log: driver.logPath(entry),
  };
}

function copyOf(
  store: EntryStore,
  entry: ExportEntry,
  snapshot: StorageSnapshot,
): Pick<Gathered, 'copy' | 'copyUnknown'> {
  try {
    return { copy: describeCopyFault(store, entry, thereIn(snapshot)), copyUnknown: undefined };
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    return { copy: undefined, copyUnknown: error.message };
  }
}

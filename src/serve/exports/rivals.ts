/** Who else answers for an address: on the wire, and among the processes of the host. */

import { UsageError } from '../../base/errors.js';
import { noneIfGone } from '../../hosts/host/interface.js';
import { findInterface } from '../../hosts/host/interface-choice.js';
import type { InterfaceFacts } from '../../hosts/host/interface-facts.js';
import { formatAddress, formatMac } from '../../wire/aoe/index.js';
import { describeStation } from '../../wire/initiator/disks.js';
import { distinctDisks, type Station } from '../../wire/initiator/who-answers.js';
import { type EntryStore, type ExportEntry, exportId } from './entry.js';
import { describeForeign, type ForeignTarget, mayAnswer, wayOut } from './foreign-target.js';
import { Network } from './network.js';
import { findProcesses } from './processes.js';
import { isOwn, type WirePlace } from './wire.js';

/** What was heard and seen at an address. */
export interface Heard {
  iface: InterfaceFacts;
  stations: Station[];
  /** Processes of this host behind the same interface: to initiators they are the same station. */
  processes: ForeignTarget[];
  /** Why the wire could not be asked; null where it was. */
  unchecked: string | null;
}

/** Stations that answer with another disk than ours. @param isOurs by MAC */
export function rivalStations(stations: readonly Station[], isOurs: (mac: string) => boolean): Station[] {
  const hasOurs = (disk: readonly Station[]): boolean => disk.some(({ mac }) => isOurs(formatMac(mac)));
  const disks = distinctDisks(stations);
  return disks.filter((disk) => !hasOurs(disk)).flat();
}

/** Asks the wire and the host about an address. @throws as `Network.foreign` */
export async function listenAt(network: Network, place: WirePlace, iface: InterfaceFacts): Promise<Heard> {
  const [{ stations, unchecked, isAsked }, foreign] = await Promise.all([
    network.wire.ask(place, iface),
    network.foreign(place.netns),
  ]);
  const processes = foreign.filter((target) => mayAnswer(target, place, iface.index));
  return { iface, stations, processes, unchecked: isAsked ? null : unchecked };
}

/**
 * Refuses to serve an export where others answer for its address with another disk.
 * @param served whether it is served there already: then the interface's own station is ours
 * @throws UsageError naming them, and how they are stopped
 */
export async function refuseRivals(
  tried: string,
  { store, network }: { store: EntryStore; network: Network },
  entry: ExportEntry,
  { iface, stations, processes }: Heard,
  served: boolean,
): Promise<void> {
  const beside = await macsBeside(await store.all(), network, entry);
  const isOurs = (mac: string): boolean => beside.has(mac) || (served && isOwn(mac, entry, iface));
  const rivals = rivalStations(stations, isOurs);
  if (rivals.length === 0 && processes.length === 0) return;
  throw new UsageError({
    tried,
    happened: [
      ...processes.map((target) => describeForeign(target, entry, iface.name)),
      ...rivals.map((station) => describeRival(station, formatAddress(entry))),
    ],
    next: [
      ...processes.map((target) => wayOut(target, entry)),
      ...(rivals.length > 0 ? ['end that export'] : []),
      'or take another address',
      ...(served
        ? []
        : ['or export it all the same by --allow address: initiators mix the data of two disks']),
    ],
  });
}

/** Runs `body` with the network side of a host that has exports of ours, and with their processes, which are looked for once. */
export async function withNetwork<T>(
  { host, folder }: EntryStore,
  body: (network: Network, processes: () => Promise<ReadonlyMap<string, number[]>>) => Promise<T>,
): Promise<T> {
  let found: Promise<ReadonlyMap<string, number[]>> | undefined;
  const processes = (): Promise<ReadonlyMap<string, number[]>> => {
    found ??= findProcesses(host, folder);
    return found;
  };
  const network = new Network(host, async () => (await processes()).values());
  try {
    return await body(network, processes);
  } finally {
    await network.close();
  }
}

/**
 * For an export that is to be made.
 * @throws as `refuseRivals`
 */
export function requireFree(store: EntryStore, entry: ExportEntry, iface: InterfaceFacts): Promise<void> {
  return withNetwork(store, async (network) => {
    const heard = await listenAt(network, entry, iface);
    await refuseRivals(`exporting ${exportId(entry)}`, { store, network }, entry, heard, false);
  });
}

/**
 * For one that is there, served or not, and is to be started again.
 * @throws as `refuseRivals`
 */
export async function requireOwnAddress(
  place: { store: EntryStore; network: Network },
  entry: ExportEntry,
  iface: InterfaceFacts,
): Promise<void> {
  const heard = await listenAt(place.network, entry, iface);
  await refuseRivals(`restarting ${exportId(entry)}`, place, entry, heard, true);
}

/** "02:00:00:00:00:07 on eth0 answers for e0.1: …" */
export function describeRival(station: Station, address: string): string {
  return `another station answers for ${address}: ${describeStation(station)}`;
}

/**
 * MACs of this host's other interfaces on which it serves the same file as the same address.
 * @throws as `Network.interfaces`: without them one of our own would pass for another station
 */
export async function macsBeside(
  entries: readonly ExportEntry[],
  network: Network,
  entry: ExportEntry,
): Promise<Set<string>> {
  const macs = new Set<string>();
  for (const other of entries) {
    if (!isBeside(other, entry)) continue;
    const all = await network.interfaces(other.netns).catch(noneIfGone(other.netns));
    const facts = findInterface(all, other.iface);
    if (facts !== undefined) macs.add(facts.mac);
    if (other.started !== undefined) macs.add(other.started.mac);
  }
  return macs;
}

function isBeside(other: ExportEntry, entry: ExportEntry): boolean {
  return (
    other.shelf === entry.shelf &&
    other.slot === entry.slot &&
    other.backing.path === entry.backing.path &&
    exportId(other) !== exportId(entry)
  );
}

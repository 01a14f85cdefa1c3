/** What is wrong with the place an export is served at: its interface, and who answers there. Pure: from a snapshot to faults. */

import { findInterface } from '../../hosts/host/interface-choice.js';
import type { InterfaceFacts } from '../../hosts/host/interface-facts.js';
import { interfaceObjection, linkObjection, mtuObjection } from '../../hosts/host/interface-objection.js';
import { formatAddress, formatMac, SECTOR } from '../../wire/aoe/index.js';
import { describeIdentity } from '../../wire/initiator/disks.js';
import { distinctDisks } from '../../wire/initiator/who-answers.js';
import { type ExportEntry, exportId } from './entry.js';
import { describeForeign, type ForeignTarget, mayAnswer, stopCommand } from './foreign-target.js';
import { describeRival, rivalStations } from './rivals.js';
import { isOwn, type WireReport } from './wire.js';

/** What `status` knows of the network side of an export. */
export interface InterfaceSnapshot {
  entry: Pick<ExportEntry, 'shelf' | 'slot' | 'iface' | 'netns' | 'options' | 'control' | 'started'>;
  /** Interfaces of its namespace; why they could not be listed; `gone`: that there is no such namespace. */
  interfaces: readonly InterfaceFacts[] | { reason: string } | 'gone';
  /** Processes that serve it. */
  pids: readonly number[];
  wire: WireReport;
  /** Targets of others in its namespace. */
  foreign: readonly ForeignTarget[];
  /** MACs of this host's other interfaces on which it serves the same disk as the same address. */
  beside: ReadonlySet<string>;
}

export interface InterfaceFault {
  text: string;
  /** What would repair it: a restart, or a person who sees to the interface; null if neither would. */
  remedy: 'interface' | 'restart' | null;
}

export function interfaceFaults(snapshot: InterfaceSnapshot): InterfaceFault[] {
  const { entry, interfaces } = snapshot;
  if (interfaces === 'gone') return [ofInterface(goneNamespaceText(entry))];
  if ('reason' in interfaces) return [ofInterface(`its interface can't be looked at: ${interfaces.reason}`)];
  const iface = findInterface(interfaces, entry.iface);
  if (iface === undefined) return [ofInterface(goneText(snapshot, interfaces))];
  const faults: InterfaceFault[] = [];
  const link = linkObjection(iface, interfaces, entry.netns);
  if (link !== undefined) faults.push(ofInterface(`${link.happened}: ${link.next}`));
  const objection = interfaceObjection(iface, interfaces, 'export on') ?? mtuObjection(iface);
  if (objection !== undefined) faults.push(ofInterface(`${objection.happened}: ${objection.next}`));
  return [...faults, ...keptFaults(snapshot, iface), ...wireFaults(snapshot, iface)];
}

/** What runs in it may go on for as long as it runs, and nobody can come to it. */
function goneNamespaceText(entry: InterfaceSnapshot['entry']): string {
  const { netns, iface } = entry;
  const id = exportId(entry);
  return `its network namespace ${netns} is gone: make it (ip netns add ${netns}) and ${iface} again, then aoe-lab restart ${id}; or end the export: aoe-lab unexport ${id}`;
}

/** The interface may have been renamed under the target, which goes by its index. */
function goneText({ entry }: InterfaceSnapshot, interfaces: readonly InterfaceFacts[]): string {
  const renamed = interfaces.find(
    ({ index, mac }) => index === entry.started?.index && mac === entry.started.mac,
  );
  const gone = `the interface ${entry.iface} is gone`;
  if (renamed === undefined) return gone;
  return `${gone}: it is called ${renamed.name} now; unexport ${exportId(entry)} and export on that`;
}

/** What targets take of their interface at their start only. */
function keptFaults(snapshot: InterfaceSnapshot, iface: InterfaceFacts): InterfaceFault[] {
  const { entry, wire } = snapshot;
  const restart = `aoe-lab restart ${exportId(entry)}`;
  const faults: InterfaceFault[] = [];
  const address = staleAddress(snapshot, iface);
  if (address !== undefined) faults.push({ text: `${address}: ${restart}`, remedy: 'restart' });
  const most = mostSectors(iface.mtu);
  const told = wire.stations.find(({ mac }) => isOwn(formatMac(mac), entry, iface))?.config?.maxSectors;
  const started = keptBy(snapshot, 'mtu');
  const isOld = started !== undefined && started.mtu !== iface.mtu && told !== most;
  if (isOld || (told !== undefined && told > most && most > 0)) {
    const before = isOld ? `, and was ${started.mtu} when its target started` : '';
    const sectors = told === undefined ? '' : `; it offers ${told} sectors a frame where ${most} fit`;
    faults.push({
      text: `the MTU of ${iface.name} is ${iface.mtu}${before}${sectors}: ${restart}`,
      remedy: 'restart',
    });
  }
  return faults;
}

/** That a target answers from an address which its interface had when it started; undefined if it does not. */
export function staleAddress(
  snapshot: Pick<InterfaceSnapshot, 'pids'> & {
    entry: Pick<InterfaceSnapshot['entry'], 'control' | 'started'>;
  },
  iface: InterfaceFacts,
): string | undefined {
  const started = keptBy(snapshot, 'mac');
  if (started === undefined || started.mac === iface.mac) return undefined;
  return `it answers from ${started.mac}, and the address of ${iface.name} is ${iface.mac} now`;
}

/** What its processes found at their start, if they keep that: whatever was started later knows better. */
function keptBy(
  { entry: { started, control }, pids }: Parameters<typeof staleAddress>[0],
  what: 'mac' | 'mtu',
): ExportEntry['started'] {
  if (started === undefined || started.pids.length === 0 || !control.keeps?.includes(what)) return undefined;
  return started.pids.every((pid) => pids.includes(pid)) ? started : undefined;
}

function wireFaults(snapshot: InterfaceSnapshot, iface: InterfaceFacts): InterfaceFault[] {
  const { entry, wire, foreign, beside } = snapshot;
  const address = formatAddress(entry);
  const isOurs = (mac: string): boolean => isOwn(mac, entry, iface) || beside.has(mac);
  const texts = [
    ...foreign
      .filter((target) => mayAnswer(target, entry, iface.index))
      .map((target) => `${describeForeign(target, entry, iface.name)} too: ${stopCommand(target, entry)}`),
    ...rivalStations(wire.stations, isOurs).map((station) => describeRival(station, address)),
  ];
  const own = distinctDisks(wire.stations.filter(({ mac }) => formatMac(mac) === iface.mac));
  if (own.length > 1) {
    const disks = own.map(([station]) => describeIdentity(station?.identity)).join(', and ');
    texts.push(`two targets answer for ${address} from ${iface.mac}: ${disks}`);
  }
  const silent: InterfaceFault[] =
    wire.answer === 'silent' && iface.carrier
      ? [{ text: 'it did not answer on the wire', remedy: 'restart' }]
      : [];
  return [...silent, ...texts.map((text): InterfaceFault => ({ text, remedy: null }))];
}

/** Sectors that a frame carries behind the AoE and ATA headers, of which AoE counts 255 at most. */
function mostSectors(mtu: number): number {
  return Math.min(255, Math.max(0, Math.floor((mtu - 22) / SECTOR)));
}

function ofInterface(text: string): InterfaceFault {
  return { text, remedy: 'interface' };
}

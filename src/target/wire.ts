import type { Host } from '../host/host.js';
import type { InterfaceFacts } from '../host/interface.js';
import { findVantage } from '../host/vantage.js';
import { discover } from '../initiator/discover.js';
import type { Link } from '../link/link.js';
import { openPacketLink } from '../link/packet.js';
import type { ExportEntry } from './entry.js';

/** `unchecked`: this host has no place to ask from, may not open a packet socket, or is not among the allowed MACs. */
export type WireAnswer = 'answers' | 'silent' | 'unchecked';

/** Milliseconds; the other end of a veth pair answers within one. */
const WAIT = 300;

/**
 * A link from which this process can ask an export; undefined if the host has no such place, it may not open a packet
 * socket, or is not among the allowed MACs.
 */
export async function openVantage(
  host: Host,
  entry: ExportEntry,
  iface: InterfaceFacts,
): Promise<Link | undefined> {
  const vantage = host.isHere ? await findVantage(host, entry.netns, iface) : undefined;
  if (vantage === undefined) return undefined;
  const allowed = entry.options.macs ?? [];
  if (allowed.length > 0 && !allowed.includes(vantage.mac)) return undefined;
  return openPacketLink(vantage).catch(() => undefined);
}

/** Asks an export's address over the wire, from the other end of its interface where that is in reach. */
export async function askOnWire(host: Host, entry: ExportEntry, iface: InterfaceFacts): Promise<WireAnswer> {
  const link = await openVantage(host, entry, iface);
  if (link === undefined) return 'unchecked';
  try {
    const found = await discover(link, { shelf: entry.shelf, slot: entry.slot, wait: WAIT });
    return found.some(({ mac }) => mac === iface.mac) ? 'answers' : 'silent';
  } finally {
    await link.close();
  }
}

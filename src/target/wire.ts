import type { Host } from '../host/host.js';
import type { InterfaceFacts } from '../host/interface.js';
import { findVantage } from '../host/vantage.js';
import { discover } from '../initiator/discover.js';
import { openPacketLink } from '../link/packet.js';
import type { ExportEntry } from './entry.js';

/** `unchecked`: this host has no place to ask from, may not open a packet socket, or is not among the allowed MACs. */
export type WireAnswer = 'answers' | 'silent' | 'unchecked';

/** Milliseconds; the other end of a veth pair answers within one. */
const WAIT = 300;

/** Asks an export's address over the wire, from the other end of its interface where that is in reach. */
export async function askOnWire(host: Host, entry: ExportEntry, iface: InterfaceFacts): Promise<WireAnswer> {
  const vantage = host.isHere ? await findVantage(host, entry.netns, iface) : undefined;
  if (vantage === undefined) return 'unchecked';
  const allowed = entry.options.macs ?? [];
  if (allowed.length > 0 && !allowed.includes(vantage.mac)) return 'unchecked';
  const link = await openPacketLink(vantage).catch(() => undefined);
  if (link === undefined) return 'unchecked';
  try {
    const found = await discover(link, { shelf: entry.shelf, slot: entry.slot, wait: WAIT });
    return found.some(({ mac }) => mac === iface.mac) ? 'answers' : 'silent';
  } finally {
    await link.close();
  }
}

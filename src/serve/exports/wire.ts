/** What the wire says of exports: asked from wherever this host can ask. */

import type { Host } from '../../hosts/host/host.js';
import { listInterfaces } from '../../hosts/host/interface.js';
import type { InterfaceFacts } from '../../hosts/host/interface-facts.js';
import { interfaceObjection, mtuObjection } from '../../hosts/host/interface-objection.js';
import { findVantage, type InterfaceLister, type Vantage } from '../../hosts/host/vantage.js';
import { formatMac } from '../../wire/aoe/index.js';
import { type Station, whoAnswers } from '../../wire/initiator/who-answers.js';
import type { Link } from '../../wire/link/link.js';
import { openPacketLink } from '../../wire/link/packet.js';
import { clearCommand } from './closed.js';
import { type ExportEntry, exportId } from './entry.js';

/** `unchecked`: this host has no place to ask from, may not open a packet socket, or is not among the allowed MACs. */
export type WireAnswer = 'answers' | 'silent' | 'unchecked';

export interface WireReport {
  answer: WireAnswer;
  /** Why it is not known whether it answers; null where it is. */
  unchecked: string | null;
  /** Whether anybody was asked; what this host itself sends it may not have heard all the same. */
  isAsked: boolean;
  /** All who answered for the address, as far as they were heard: with another interface's MAC they are others. */
  stations: Station[];
}

/** An address on an interface, whether it is served there or is to be. */
export type WirePlace = Pick<ExportEntry, 'shelf' | 'slot' | 'iface' | 'netns' | 'options' | 'started'> & {
  /** Its MAC mask list, where that is known. */
  masks?: readonly string[] | undefined;
};

/** Milliseconds; the other end of a veth pair answers within one. */
const WAIT = 300;
const OVER_SSH = 'hosts over SSH are not asked: packet sockets are opened on this machine alone';

/** Asks about exports of one host; links and what is known of interfaces are shared, until it is closed. */
export class Wire {
  readonly #host: Host;
  readonly #list: InterfaceLister;
  readonly #vantages = new Map<string, Promise<Vantage | { reason: string }>>();
  readonly #links = new Map<string, Promise<Link>>();

  constructor(host: Host, list?: InterfaceLister) {
    this.#host = host;
    this.#list = list ?? ((netns) => listInterfaces(host.inNamespace(netns)));
  }

  /**
   * Asks who answers for an address, and whether the interface's own station is among them. What keeps this host from
   * asking is told; nothing is thrown.
   */
  async ask(place: WirePlace, iface: InterfaceFacts): Promise<WireReport> {
    if (!this.#host.isHere) return unchecked(OVER_SSH);
    try {
      const objection =
        mtuObjection(iface) ?? interfaceObjection(iface, await this.#list(place.netns), 'ask on');
      if (objection !== undefined) return unchecked(objection.happened);
      const vantage = await this.#vantage(place.netns, iface);
      const own = this.#hear(place, { iface: iface.name, netns: place.netns });
      if ('reason' in vantage) return unchecked(vantage.reason, await own);
      const asked = isSame(vantage, iface.name, place.netns) ? own : this.#hear(place, vantage);
      const [mine, theirs] = await Promise.all([asked, own]);
      const stations = mine === theirs ? mine : union(mine, theirs);
      if (mine.some(({ mac }) => isOwn(formatMac(mac), place, iface))) {
        return { answer: 'answers', unchecked: null, isAsked: true, stations };
      }
      const why = whySilenceTellsNothing(place, vantage);
      return why === undefined
        ? { answer: 'silent', unchecked: null, isAsked: true, stations }
        : unchecked(why, stations);
    } catch (error) {
      return unchecked((error as Error).message);
    }
  }

  async close(): Promise<void> {
    const links = await Promise.allSettled(this.#links.values());
    for (const link of links) if (link.status === 'fulfilled') await link.value.close();
    this.#links.clear();
  }

  #vantage(netns: string | undefined, iface: InterfaceFacts): Promise<Vantage | { reason: string }> {
    const key = placeKey(iface.name, netns);
    const known = this.#vantages.get(key) ?? findVantage(this.#host, netns, iface, this.#list);
    this.#vantages.set(key, known);
    return known;
  }

  async #hear({ shelf, slot }: WirePlace, from: Pick<Vantage, 'iface' | 'netns'>): Promise<Station[]> {
    const key = placeKey(from.iface, from.netns);
    const link = this.#links.get(key) ?? openPacketLink({ iface: from.iface, netns: from.netns });
    this.#links.set(key, link);
    return whoAnswers(await link, { shelf, slot }, { wait: WAIT, identify: true });
  }
}

/**
 * A link from which this process can ask an export; undefined if the host has no such place, it may not open a packet
 * socket, or is not among the allowed MACs.
 */
export async function openVantage(
  host: Host,
  entry: WirePlace,
  iface: InterfaceFacts,
): Promise<Link | undefined> {
  const vantage = host.isHere ? await findVantage(host, entry.netns, iface) : undefined;
  if (vantage === undefined || 'reason' in vantage || !isAllowed(entry, vantage)) return undefined;
  const link = await openPacketLink({ iface: vantage.iface, netns: vantage.netns }).catch(() => undefined);
  if (link === undefined || vantage.over === undefined) return link;
  // A bridge may keep AoE out: it is a way to the export only if that answers.
  const found = await whoAnswers(link, entry, { wait: WAIT, identify: false });
  if (found.some(({ mac }) => formatMac(mac) === iface.mac)) return link;
  await link.close();
  return undefined;
}

/** Whether a station is the target of this very interface: some keep the address that it had when they started. */
export function isOwn(mac: string, { started }: Pick<WirePlace, 'started'>, iface: InterfaceFacts): boolean {
  return mac === iface.mac || mac === started?.mac;
}

function whySilenceTellsNothing(place: WirePlace, vantage: Vantage): string | undefined {
  if (!isAllowed(place, vantage)) {
    return `it serves listed initiators only, and ${vantage.mac}, from which this host asks, is none of them`;
  }
  const { masks = [] } = place;
  if (masks.length > 0 && !masks.includes(vantage.mac)) {
    return `its MAC mask list, set over the wire, leaves out ${vantage.mac}, from which this host asks: ${clearCommand(exportId(place))}`;
  }
  return vantage.over === undefined
    ? undefined
    : `${exportId(place)} was asked over ${vantage.over}, which may keep AoE out, and did not answer`;
}

function isAllowed({ options }: WirePlace, vantage: Vantage): boolean {
  const allowed = options.macs ?? [];
  return allowed.length === 0 || allowed.includes(vantage.mac);
}

function union(some: readonly Station[], more: readonly Station[]): Station[] {
  const known = new Set(some.map(({ mac }) => mac));
  return [...some, ...more.filter(({ mac }) => !known.has(mac))];
}

/** @param stations undefined if nobody was asked */
function unchecked(reason: string, stations?: Station[]): WireReport {
  const isAsked = stations !== undefined;
  return { answer: 'unchecked', unchecked: reason, isAsked, stations: stations ?? [] };
}

function isSame(vantage: Vantage, iface: string, netns: string | undefined): boolean {
  return vantage.iface === iface && vantage.netns === netns;
}

function placeKey(iface: string, netns: string | undefined): string {
  return `${iface}%${netns ?? ''}`;
}

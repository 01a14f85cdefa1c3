/**
 * Where this host can ask its own exports from. A host does not hear itself on an interface; but what the other end of a
 * veth pair leads to is another interface, and where that is in reach (same or named namespace, or the host's own) it can
 * ask: the other end itself, or the bridge that it is a port of.
 */

import type { Host } from './host.js';
import { listInterfaces } from './interface.js';
import type { InterfaceFacts } from './interface-facts.js';
import { parseIpJson } from './links.js';

export interface Vantage {
  iface: string;
  netns: string | undefined;
  mac: string;
  /** The bridge that lies between: it may be told to keep AoE out, so that silence proves nothing. */
  over?: string;
}

/** Lists interfaces by namespace. */
export type InterfaceLister = (netns: string | undefined) => Promise<InterfaceFacts[]>;

const NO_SECOND =
  'this host has no second interface on the segment, and does not hear itself on the one that serves';

/**
 * The interface from which `iface` (of namespace `netns`) can be asked, if this host has one.
 * @returns that, or why there is none
 */
export async function findVantage(
  host: Host,
  netns: string | undefined,
  iface: InterfaceFacts,
  list: InterfaceLister = (place) => listInterfaces(host.inNamespace(place)),
): Promise<Vantage | { reason: string }> {
  // Loopback hands back whatever is sent.
  if (iface.type === 'loopback') return { iface: iface.name, netns, mac: iface.mac };
  if (iface.kind === 'bridge') return acrossBridge(host, netns, iface, list);
  const end = await otherEnd(host, netns, iface, list);
  return 'reason' in end ? end : beside(end, iface.name, list);
}

interface End {
  facts: InterfaceFacts;
  netns: string | undefined;
}

/** A place beside the other end of a pair: itself, or the bridge that it is a port of. */
async function beside(
  { facts, netns }: End,
  name: string,
  list: InterfaceLister,
): Promise<Vantage | { reason: string }> {
  if (!facts.up) return { reason: `${facts.name}, the other end of ${name}, is down` };
  if (facts.master === undefined) return { iface: facts.name, netns, mac: facts.mac };
  const { name: master, kind } = facts.master;
  const bridge = (await list(netns)).find((one) => one.name === master);
  if (kind === 'bridge' && bridge?.up && bridge.master === undefined) {
    return { iface: master, netns, mac: bridge.mac, over: master };
  }
  const why = kind === 'bridge' ? `, which ${bridge?.up ? 'is a port itself' : 'is down'}` : '';
  return { reason: `${facts.name}, the other end of ${name}, is a port of ${master}${why}` };
}

/** A bridge is asked from the other end of one of its ports. */
async function acrossBridge(
  host: Host,
  netns: string | undefined,
  bridge: InterfaceFacts,
  list: InterfaceLister,
): Promise<Vantage | { reason: string }> {
  for (const port of await list(netns)) {
    if (port.master?.name !== bridge.name || !port.up) continue;
    const end = await otherEnd(host, netns, port, list);
    if ('reason' in end || !end.facts.up || end.facts.master !== undefined) continue;
    return { iface: end.facts.name, netns: end.netns, mac: end.facts.mac, over: bridge.name };
  }
  return { reason: NO_SECOND };
}

async function otherEnd(
  host: Host,
  netns: string | undefined,
  iface: InterfaceFacts,
  list: InterfaceLister,
): Promise<End | { reason: string }> {
  const { peer } = iface;
  if (peer === undefined) return { reason: NO_SECOND };
  if ('name' in peer) {
    const facts = (await list(netns)).find((other) => other.name === peer.name);
    return facts === undefined ? { reason: NO_SECOND } : { facts, netns };
  }
  const place = await namespaceName(host, netns, peer.namespaceId);
  const hidden = `the other end of ${iface.name} is in a namespace without a name (that of a container)`;
  // It is in another namespace; interfaces of this one have numbers like its own, as the first of each container has.
  if (place === netns) return { reason: hidden };
  for (const facts of await list(place)) {
    if (facts.index !== peer.index || facts.peer === undefined || !('namespaceId' in facts.peer)) continue;
    if (facts.peer.index !== iface.index) continue;
    // A namespace without a name may be a container's, too: then this one leads elsewhere.
    const isBack =
      place !== undefined || (await namespaceName(host, place, facts.peer.namespaceId)) === netns;
    if (isBack) return { facts, netns: place };
  }
  return { reason: hidden };
}

/** Name of a namespace that one calls by a number; an unnamed one is taken for the host's own. */
async function namespaceName(host: Host, from: string | undefined, id: number): Promise<string | undefined> {
  const argv = ['ip', ...(from === undefined ? [] : ['-n', from]), '-json', 'netns', 'list-id'];
  const { stdout } = await host.run(argv);
  const ids = parseIpJson<{ nsid: number; name?: string }[]>(stdout.trim() || '[]');
  return ids.find(({ nsid }) => nsid === id)?.name;
}

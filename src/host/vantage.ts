/**
 * Where this host can ask its own exports from. A host does not hear itself on an interface; but the other end of a veth
 * pair is another interface, and where that is in reach (same or named namespace, or the host's own) it can ask.
 */
import type { Host } from './host.js';
import { type InterfaceFacts, listInterfaces } from './interface.js';

export interface Vantage {
  iface: string;
  netns: string | undefined;
  mac: string;
}

/** The interface that leads to `iface` (of namespace `netns`), if this host has one and it is up. */
export async function findVantage(
  host: Host,
  netns: string | undefined,
  iface: InterfaceFacts,
): Promise<Vantage | undefined> {
  const { peer } = iface;
  if (peer === undefined) return undefined;
  if ('name' in peer) return isUp(host, netns, (other) => other.name === peer.name);
  const place = await namespaceName(host, netns, peer.namespaceId);
  return isUp(
    host,
    place,
    (other) =>
      other.index === peer.index &&
      other.peer !== undefined &&
      'namespaceId' in other.peer &&
      other.peer.index === iface.index,
  );
}

async function isUp(
  host: Host,
  netns: string | undefined,
  matches: (other: InterfaceFacts) => boolean,
): Promise<Vantage | undefined> {
  const found = (await listInterfaces(host.inNamespace(netns))).find(matches);
  return found?.up ? { iface: found.name, netns, mac: found.mac } : undefined;
}

/** Name of a namespace that one calls by a number; an unnamed one is taken for the host's own. */
async function namespaceName(host: Host, from: string | undefined, id: number): Promise<string | undefined> {
  const argv = ['ip', ...(from === undefined ? [] : ['-n', from]), '-json', 'netns', 'list-id'];
  const { stdout } = await host.run(argv);
  const ids = JSON.parse(stdout.trim() || '[]') as { nsid: number; name?: string }[];
  return ids.find(({ nsid }) => nsid === id)?.name;
}

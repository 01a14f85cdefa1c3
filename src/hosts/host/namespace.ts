/**
 * Network namespaces of our own, each with a veth pair: a private wire with both ends in reach. Their names carry the
 * process that made them, so that those of killed commands are found.
 */
import { ownerOf, ownMark } from '../../base/owner.js';
import type { Host } from './host.js';

const PREFIX = 'aoe-lab-';

export interface Wire {
  /** Undefined: the pair lies in the namespace of this process. */
  netns: string | undefined;
  /** Name of the end for the target. */
  target: string;
  /** Name of the end for the initiator. */
  initiator: string;
  /** Bytes. */
  mtu: number;
}

const TARGET_END = 'aoe-t';
const INITIATOR_END = 'aoe-i';

/**
 * Makes a namespace and a veth pair in it, both ends up.
 * @param purpose part of the name, such as `demo`
 */
export async function makeWire(host: Host, purpose: string, mtu: number): Promise<Wire> {
  const netns = `${PREFIX}${purpose}-${await ownMark()}`;
  await host.run(['ip', 'netns', 'add', netns]);
  await makePair(host.inNamespace(netns), mtu);
  return { netns, target: TARGET_END, initiator: INITIATOR_END, mtu };
}

/** Makes the veth pair in the namespace this process is in, for one that was unshared. */
export async function makeWireInPlace(host: Host, mtu: number): Promise<Wire> {
  await makePair(host, mtu);
  return { netns: undefined, target: TARGET_END, initiator: INITIATOR_END, mtu };
}

async function makePair(host: Host, mtu: number): Promise<void> {
  const size = ['mtu', String(mtu)];
  const pair = [TARGET_END, ...size, 'type', 'veth', 'peer', 'name', INITIATOR_END, ...size];
  await host.run(['ip', 'link', 'add', ...pair]);
  for (const end of [TARGET_END, INITIATOR_END]) {
    await host.run(['ip', 'link', 'set', end, 'addrgenmode', 'none', 'up']);
  }
}

/** Removes a namespace with the pair in it. */
export async function removeWire(host: Host, wire: Wire): Promise<void> {
  if (wire.netns === undefined) await host.run(['ip', 'link', 'del', wire.target]);
  else await host.run(['ip', 'netns', 'del', wire.netns]);
}

/** Namespaces of this machine for a purpose whose makers are dead. */
export async function abandonedNamespaces(host: Host, purpose: string): Promise<string[]> {
  const prefix = `${PREFIX}${purpose}-`;
  const names = (await host.list('/run/netns')).filter((name) => name.startsWith(prefix));
  const abandoned: string[] = [];
  for (const name of names) {
    if ((await ownerOf(name.slice(prefix.length))) === 'gone') abandoned.push(name);
  }
  return abandoned;
}

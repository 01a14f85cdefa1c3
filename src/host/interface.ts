/** Network interfaces of a host, by ip(8). */
import { MissingError } from '../errors.js';
import { CommandError } from './command-error.js';
import type { Host } from './host.js';
import { chooseInterface } from './interface-choice.js';

export interface InterfaceFacts {
  name: string;
  /** Other names of the same interface (ip-link(8), `property add … altname`). */
  altnames: string[];
  index: number;
  up: boolean;
  /** Whether it has a cable, or what stands for one. */
  carrier: boolean;
  mac: string;
  /** Bytes. */
  mtu: number;
  /** `ether`, `loopback`, … */
  type: string;
  /** `veth`, `bridge`, `macvlan`, …; empty of a card. */
  kind: string;
  /** What it is a port of: a bridge, a bond, … */
  master?: { name: string; kind: string };
  /** Of a VLAN, a macvlan and the like: the interface below it, if that is in the same namespace. */
  lower?: string;
  /** Of a veth: its other end. */
  peer?: { index: number } & ({ name: string } | { namespaceId: number });
}

interface IpLink {
  ifindex: number;
  ifname: string;
  altnames?: string[];
  flags: string[];
  mtu: number;
  link_type: string;
  address?: string;
  link?: string;
  link_index?: number;
  link_netnsid?: number;
  master?: string;
  linkinfo?: { info_kind?: string; info_slave_kind?: string };
}

/**
 * All interfaces of the host in its namespace.
 * @throws MissingError if the namespace is not there, or the host's ip(8) can't tell
 */
export async function listInterfaces(host: Host): Promise<InterfaceFacts[]> {
  const tried = `looking at the interfaces ${host.name}`;
  let text: string;
  try {
    ({ stdout: text } = await host.run(['ip', '-json', '-details', 'link', 'show']));
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    if (host.netns !== undefined && /network namespace/.test(error.stderr)) {
      throw new MissingError({
        tried,
        happened: error.stderr.trim(),
        next: `make the namespace (ip netns add ${host.netns}), or name another by --netns`,
        missing: [host.netns],
      });
    }
    throw error;
  }
  const facts = parseInterfaces(text);
  if (facts !== undefined) return facts;
  throw new MissingError({
    tried,
    happened: 'its ip does not know -json (that of busybox does not)',
    next: 'install iproute2 there',
    missing: ['iproute2'],
  });
}

/** Reads what `ip -json -details link show` prints. @returns undefined if it is something else */
export function parseInterfaces(text: string): InterfaceFacts[] | undefined {
  let links: unknown;
  try {
    links = JSON.parse(text.trim() || '[]');
  } catch {
    return undefined;
  }
  if (!Array.isArray(links)) return undefined;
  // Early releases print an empty object for what they leave out.
  const all = (links as IpLink[]).filter(({ ifname }) => ifname !== undefined);
  return all.map((link) => toFacts(link, all));
}

/**
 * One interface, ready to carry AoE. Its facts have its real name, whichever it is called by.
 * @param verb what is to be done on it, in the error's advice
 * @throws UsageError if there is none of that name (those that are there are listed), or no frames would reach it
 * @throws MissingError if it or its namespace is not there, or it is down
 */
export async function requireInterface(
  host: Host,
  name: string,
  verb = 'export on',
): Promise<InterfaceFacts> {
  const choice = chooseInterface(await listInterfaces(host), name, { netns: host.netns, verb });
  if ('facts' in choice) return choice.facts;
  const { Fault, ...trouble } = choice;
  throw new Fault({ tried: `looking at the interface ${name} ${host.name}`, ...trouble, missing: [name] });
}

function toFacts(link: IpLink, all: readonly IpLink[]): InterfaceFacts {
  const { link_index: index, link_netnsid: namespaceId, link: other, linkinfo, master } = link;
  const kind = linkinfo?.info_kind ?? '';
  // ip names the other end only where it is in the same namespace.
  const peer =
    kind !== 'veth'
      ? undefined
      : namespaceId !== undefined && index !== undefined
        ? { index, namespaceId }
        : other !== undefined
          ? { index: index ?? 0, name: other }
          : undefined;
  const masterKind =
    linkinfo?.info_slave_kind ?? all.find(({ ifname }) => ifname === master)?.linkinfo?.info_kind ?? '';
  return {
    name: link.ifname,
    altnames: link.altnames ?? [],
    index: link.ifindex,
    up: link.flags.includes('UP'),
    carrier: link.flags.includes('LOWER_UP'),
    mac: link.address ?? '',
    mtu: link.mtu,
    type: link.link_type,
    kind,
    ...(master === undefined ? {} : { master: { name: master, kind: masterKind } }),
    ...(kind !== 'veth' && other !== undefined && namespaceId === undefined ? { lower: other } : {}),
    ...(peer === undefined ? {} : { peer }),
  };
}

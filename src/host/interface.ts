/** Network interfaces of a host, by ip(8). */
import { MissingError, UsageError } from '../errors.js';
import { CommandError } from './command-error.js';
import type { Host } from './host.js';
import { type IpLink, readLinks } from './links.js';

export interface InterfaceFacts {
  name: string;
  index: number;
  up: boolean;
  mac: string;
  /** Bytes. */
  mtu: number;
  /** `ether`, `loopback`, … */
  type: string;
  /** Of a veth: its other end. */
  peer?: { index: number } & ({ name: string } | { namespaceId: number });
}

/** All interfaces of the host in its namespace. */
export async function listInterfaces(host: Host): Promise<InterfaceFacts[]> {
  return (await readLinks(host)).map(toFacts);
}

/**
 * One interface, ready to carry AoE.
 * @throws UsageError if there is none of that name (those that are there are listed), or it is no Ethernet
 * @throws MissingError if it or its namespace is not there, or it is down
 */
export async function requireInterface(host: Host, name: string): Promise<InterfaceFacts> {
  const tried = `looking at the interface ${name} ${host.name}`;
  let all: InterfaceFacts[];
  try {
    all = await listInterfaces(host);
  } catch (error) {
    if (host.netns !== undefined && error instanceof CommandError && /network namespace/.test(error.stderr)) {
      throw new MissingError({
        tried,
        happened: error.stderr.trim(),
        next: `make the namespace (ip netns add ${host.netns}), or name another by --netns`,
        missing: [host.netns],
      });
    }
    throw error;
  }
  return interfaceIn(all, name, host.netns, tried);
}

/**
 * One of some interfaces, ready to carry AoE.
 * @throws as `requireInterface`
 */
export function interfaceIn(
  all: readonly InterfaceFacts[],
  name: string,
  netns: string | undefined,
  tried = `looking at the interface ${name}`,
): InterfaceFacts {
  const facts = all.find((candidate) => candidate.name === name);
  if (facts === undefined) {
    throw new UsageError({
      tried,
      happened: 'there is no such interface',
      next: `take one of ${all.map((known) => known.name).join(', ')}, or name its namespace by --netns`,
    });
  }
  if (facts.type !== 'ether' && facts.type !== 'loopback') {
    throw new UsageError({
      tried,
      happened: `it is no Ethernet but ${facts.type}`,
      next: 'take another one',
    });
  }
  if (!facts.up) {
    throw new MissingError({
      tried,
      happened: 'it is down',
      next: upCommand(name, netns),
      missing: [name],
    });
  }
  return facts;
}

/** The command that brings an interface up, as a person would type it. */
export function upCommand(name: string, netns: string | undefined): string {
  return `ip ${netns === undefined ? '' : `-n ${netns} `}link set ${name} up`;
}

function toFacts(link: IpLink): InterfaceFacts {
  const { link_index: index, link_netnsid: namespaceId, link: peerName } = link;
  const isVeth = link.linkinfo?.info_kind === 'veth';
  // ip names the other end only where it is in the same namespace.
  const peer =
    isVeth && namespaceId !== undefined && index !== undefined
      ? { index, namespaceId }
      : isVeth && peerName !== undefined
        ? { index: index ?? 0, name: peerName }
        : undefined;
  return {
    name: link.ifname,
    index: link.ifindex,
    up: link.flags.includes('UP'),
    mac: link.address ?? '',
    mtu: link.mtu,
    type: link.link_type,
    ...(peer === undefined ? {} : { peer }),
  };
}

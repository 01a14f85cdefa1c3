/** Network interfaces of a host, by ip(8). */

import { linesOf, MissingError } from '../../base/errors.js';
import { CommandError, goneNamespace } from './command-error.js';
import type { Host } from './host.js';
import { type ChoiceOptions, chooseInterface } from './interface-choice.js';
import type { InterfaceFacts } from './interface-facts.js';
import { type IpLink, readLinks } from './links.js';

/**
 * All interfaces of the host in its namespace.
 * @throws MissingError if the namespace is not there, or the host's ip(8) can't tell
 */
export async function listInterfaces(host: Host): Promise<InterfaceFacts[]> {
  try {
    return interfacesFrom(await readLinks(host));
  } catch (error) {
    if (host.netns === undefined || !(error instanceof CommandError)) throw error;
    if (!/network namespace/.test(error.stderr)) throw error;
    const isGone = goneNamespace(error.stderr) !== undefined;
    throw new MissingError({
      tried: `looking at the interfaces ${host.name}`,
      happened: isGone ? `there is no network namespace ${host.netns}` : linesOf(error.stderr),
      next: `make the namespace (ip netns add ${host.netns}), or name another by --netns`,
      missing: [host.netns],
    });
  }
}

/** Takes the error that the namespace is gone, and all interfaces in it, for none; every other one stays an error. */
export function noneIfGone(netns: string | undefined): (error: unknown) => InterfaceFacts[] {
  return (error) => {
    if (isGone(netns, error)) return [];
    throw error;
  };
}

/** Whether an error says that there is no such namespace. */
export function isGone(netns: string | undefined, error: unknown): boolean {
  return error instanceof MissingError && netns !== undefined && error.missing.includes(netns);
}

/** What ip(8) printed, as facts. */
export function interfacesFrom(links: readonly IpLink[]): InterfaceFacts[] {
  return links.map((link) => toFacts(link, links));
}

/**
 * One interface, ready to carry AoE. Its facts have its real name, whichever it is called by.
 * @param verb what is to be done on it, in the error's advice @param otherwise see ChoiceOptions
 * @throws UsageError if there is none of that name (those that are there are listed), or no frames would reach it
 * @throws MissingError if it or its namespace is not there, or it is down
 */
export async function requireInterface(
  host: Host,
  name: string,
  options: Partial<Pick<ChoiceOptions, 'verb' | 'otherwise'>> = {},
): Promise<InterfaceFacts> {
  return requireAmong(host, await listInterfaces(host), name, options);
}

/** The same of interfaces that were listed. */
export function requireAmong(
  host: Host,
  all: readonly InterfaceFacts[],
  name: string,
  { verb = 'export on', otherwise }: Partial<Pick<ChoiceOptions, 'verb' | 'otherwise'>> = {},
): InterfaceFacts {
  const choice = chooseInterface(all, name, { netns: host.netns, verb, otherwise });
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

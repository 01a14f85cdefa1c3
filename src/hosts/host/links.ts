/** Interfaces as ip(8) lists them: as JSON, or as text where it knows no JSON (busybox's, iproute2 before 4.14). */
import { LabError, MissingError } from '../../base/errors.js';
import { parseJson } from '../../base/json.js';
import { CommandError } from './command-error.js';
import type { Host } from './host.js';

export interface IpLink {
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
  linkinfo?: { info_kind?: string; info_slave_kind?: string; info_data?: { id?: number } };
}

/** Each as a line of its name and flags, and one of its type and address (busybox networking/libiproute/ipaddress.c). */
function readText(text: string): IpLink[] {
  const links: IpLink[] = [];
  for (const line of text.split('\n')) {
    const head = /^(\d+): ([^:@\s]+)(?:@\S+)?: <([^>]*)> mtu (\d+)/.exec(line);
    if (head !== null) {
      const [, index, ifname = '', flags = '', mtu] = head;
      const master = / master (\S+)/.exec(line)?.[1];
      links.push({
        ifindex: Number(index),
        ifname,
        flags: flags.split(','),
        mtu: Number(mtu),
        link_type: 'unknown',
        ...(master === undefined ? {} : { master }),
      });
    }
    const [, type, address] = /^\s+link\/(\S+)(?: ([0-9a-f:]+))?/.exec(line) ?? [];
    const last = links.at(-1);
    if (type !== undefined && last !== undefined) {
      last.link_type = type;
      if (address !== undefined) last.address = address;
    }
  }
  return links;
}

/** What `ip -json -details link show`, or `ip link show`, printed. */
export function parseLinks(text: string): IpLink[] {
  return text.trim().startsWith('[') ? parseIpJson<unknown[]>(text).flatMap(linkFrom) : readText(text);
}

/** Early releases print an empty object for what they leave out. */
function linkFrom(value: unknown): IpLink[] {
  const link = value as Partial<IpLink> | null;
  if (typeof link?.ifname !== 'string') return [];
  const { flags, altnames, ...rest } = link;
  const words = (list: unknown): string[] =>
    Array.isArray(list) ? list.filter((word) => typeof word === 'string') : [];
  return [
    {
      ...(rest as IpLink),
      flags: words(flags),
      ...(altnames === undefined ? {} : { altnames: words(altnames) }),
    },
  ];
}

/**
 * What `ip -json` printed. Names may hold any character but blanks, slashes and colons: ip(8) prints control characters as they are, and early releases `\'`.
 * @throws IpAnswerError
 */
export function parseIpJson<T extends unknown[]>(text: string): T {
  const repaired = text
    .replaceAll(/\\(.)/gs, (pair, char: string) => (char === "'" ? char : pair))
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
    .replaceAll(/[\u0000-\u0008\u000e-\u001f]/g, (char) => JSON.stringify(char).slice(1, -1));
  let value: unknown;
  try {
    value = parseJson(repaired);
  } catch {
    // Told below.
  }
  if (Array.isArray(value)) return value as T;
  throw new IpAnswerError({
    tried: 'reading what ip(8) lists',
    happened: 'what it prints can not be read',
    next: 'run `ip -json link show` there and look at it',
  });
}

/** Not what ip(8) prints. */
class IpAnswerError extends LabError {}

/**
 * All interfaces of the host in its namespace. What lies behind a veth is not known where ip(8) knows no JSON.
 * @throws CommandError as ip(8) has it, where there is no such namespace
 * @throws MissingError if there is no ip(8), or one that can't tell
 */
export async function readLinks(host: Host): Promise<IpLink[]> {
  const failures: string[] = [];
  for (const options of [['-json', '-details'], []]) {
    try {
      const { stdout } = await host.run(['ip', ...options, 'link', 'show']);
      const links = parseLinks(stdout);
      if (links.length > 0) return links;
      failures.push('it lists no interface');
    } catch (error) {
      if (error instanceof IpAnswerError) {
        failures.push(error.facts.happened as string);
        continue;
      }
      if (!(error instanceof CommandError) || /network namespace/.test(error.stderr)) throw error;
      failures.push(error.facts.happened.split('\n').slice(0, 2).join(' '));
    }
  }
  throw new MissingError({
    tried: `listing the network interfaces of ${host.name}`,
    happened: `ip(8) can not: ${failures[0]}`,
    next: `install iproute2 there (the ip of busybox knows no namespaces and tells little); aoe-lab host check names all that is missing`,
    missing: ['iproute2'],
  });
}

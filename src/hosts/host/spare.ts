/** Whether an interface can be taken down without the host being lost over it. */

import type { Host } from './host.js';
import { parseIpJson } from './links.js';

/** As `ip -json -details address show` tells it. */
export interface AddressedLink {
  ifname: string;
  /** The bridge or bond that it belongs to. */
  master?: string;
  /** The interface below it, or the other end of a veth pair. */
  link?: string;
  addr_info?: { local?: string; scope?: string }[];
}

/**
 * Why an interface is none to be taken down: it, or what lies on it or joins it with others, has an IP address, and SSH may
 * come in there. Undefined if nothing has: IPv6's link-local addresses, which every interface has, do not count unless
 * `sshOver` is one.
 * @param sshOver the address of the host's that our own connection came to; undefined if that can't be told
 */
export function whyNotSpare(
  links: readonly AddressedLink[],
  iface: string,
  sshOver: string | undefined,
): string | undefined {
  const joined = new Set([iface]);
  for (let before = 0; before < joined.size; ) {
    before = joined.size;
    for (const { ifname, master, link } of links) {
      if (joined.has(ifname) && master !== undefined) joined.add(master);
      if (link !== undefined && joined.has(link)) joined.add(ifname);
    }
  }
  for (const { ifname, addr_info: addresses = [] } of links) {
    if (!joined.has(ifname)) continue;
    const found = addresses.find(({ scope, local }) => scope !== 'link' || local === sshOver);
    if (found !== undefined) {
      const where = ifname === iface ? iface : `${ifname}, which lies on it`;
      return `${where} has the IP address ${found.local ?? ''}: SSH or others may come in there`;
    }
  }
  return undefined;
}

/** The same of a host, which is asked. @throws as Host.run */
export async function keepsInterface(host: Host, iface: string): Promise<string | undefined> {
  if (host.isHere) return undefined;
  const [{ stdout }, connection] = await Promise.all([
    host.run(['ip', '-json', '-details', 'address', 'show']),
    // Of the client, its port, of the server, its port (sshd(8)); sudo may have left it out.
    host.run(['sh', '-c', 'echo "$SSH_CONNECTION"']),
  ]);
  const sshOver = connection.stdout.split(' ')[2];
  if (sshOver === undefined && (await hasLinkLocalConnections(host))) {
    return 'somebody is connected over a link-local IPv6 address, perhaps this command';
  }
  return whyNotSpare(parseIpJson<AddressedLink[]>(stdout), iface, sshOver?.replace(/%.*/, ''));
}

/** By /proc/net/tcp6: addresses in hexadecimal, in words of the machine's byte order; fe80::/10 begins the first. */
async function hasLinkLocalConnections(host: Host): Promise<boolean> {
  const { stdout } = await host.run(['cat', '/proc/net/tcp6'], { accept: [1] });
  return /^\s*\d+: (?:....80FE|FE80....)[0-9A-F]{24}:[0-9A-F]{4} \S+ 01 /m.test(stdout);
}

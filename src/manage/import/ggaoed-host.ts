/** What ggaoed's configuration means on its host: interfaces, names of initiators, and lists that were set over the wire. */

import { posix } from 'node:path';
import { LabError } from '../../base/errors.js';
import type { Host } from '../../hosts/host/host.js';
import { readIfThere } from '../../hosts/host/if-there.js';
import { type IpLink, parseLinks } from '../../hosts/host/links.js';
import { keptMacs } from '../../serve/exports/kept-lists.js';
import { type Found, joined, normalMac, type Remark } from './found.js';
import { type GgaoedSurroundings, parseGgaoed } from './ggaoed.js';
import { parseKeyFile } from './keyfile.js';
import { readEach, readText } from './read.js';

/** Where 1.1 keeps what initiators set (ggaoed.c: STATEDIR), as Debian built it. */
const STATE = '/var/lib/ggaoed';
const ENDING = '.mac_mask';
/** Names of initiators, ethers(5). Without it those in an access list are not known, and it is not taken over. */
const ETHERS = '/etc/ethers';

export async function readGgaoed(host: Host, path: string, remarks: Remark[]): Promise<Found> {
  const usable = await usableInterfaces(host, remarks);
  const ethers = parseEthers(await ethersOf(host, remarks));
  const masked = await maskedDevices(host, path);
  return joined(
    await readEach(host, [path], (file, content) =>
      parseGgaoed(file, content, { ...usable, ethers, masked }),
    ),
  );
}

async function ethersOf(host: Host, remarks: Remark[]): Promise<string> {
  if ((await host.stat(ETHERS)) === undefined) return '';
  return (await readText(host, ETHERS, remarks)) ?? '';
}

/** Kinds that carry nobody's frames. */
const IDLE = new Set(['dummy', 'ifb', 'nlmon', 'vcan']);

async function usableInterfaces(
  host: Host,
  remarks: Remark[],
): Promise<Pick<GgaoedSurroundings, 'interfaces' | 'passedOver'>> {
  let links: IpLink[];
  try {
    links = parseLinks((await host.run(['ip', '-json', '-details', 'link', 'show'])).stdout);
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    remarks.push({
      file: 'ip link',
      text: 'the interfaces of the host can not be listed, so that patterns match none',
    });
    return { interfaces: [] };
  }
  const passedOver = new Map<string, string>();
  for (const { ifname, flags, link_type: type, master, linkinfo } of links) {
    const kind = linkinfo?.info_kind ?? '';
    if (type === 'loopback') passedOver.set(ifname, 'is the loopback');
    else if (type !== 'ether') passedOver.set(ifname, `is no Ethernet but ${type}`);
    else if (!flags.includes('UP')) passedOver.set(ifname, 'is down');
    else if (master !== undefined) passedOver.set(ifname, `is a port of ${master}`);
    else if (IDLE.has(kind)) passedOver.set(ifname, `is of the kind ${kind}`);
  }
  return {
    interfaces: links.map(({ ifname }) => ifname).filter((name) => !passedOver.has(name)),
    passedOver,
  };
}

/** Devices with a MAC mask list: more than an access list limits whom they serve. */
async function maskedDevices(host: Host, path: string): Promise<(name: string) => string | undefined> {
  let folder = STATE;
  try {
    const { groups } = parseKeyFile(path, (await readIfThere(host, path))?.toString() ?? '');
    folder = groups.find(({ name }) => name === 'defaults')?.keys.get('state-directory')?.value ?? STATE;
    const names = (await host.list(folder)).filter((name) => name.endsWith(ENDING));
    const masked = new Set<string>();
    for (const name of names) {
      if (keptMacs(await host.read(posix.join(folder, name))).length > 0)
        masked.add(name.slice(0, -ENDING.length));
    }
    return (name) => (masked.has(name) ? posix.join(folder, `${name}${ENDING}`) : undefined);
  } catch (error) {
    if (!(error instanceof LabError) && (error as NodeJS.ErrnoException).code === undefined) throw error;
    return () => `${folder}, which can't be read,`;
  }
}

/** Lines of a MAC address and a name, ethers(5). */
export function parseEthers(text: string): Map<string, string> {
  const names = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [address = '', name] = line.replace(/#.*/, '').trim().split(/\s+/);
    const mac = normalMac(address);
    // The first line of a name holds.
    if (mac !== undefined && name !== undefined && !names.has(name)) names.set(name, mac);
  }
  return names;
}

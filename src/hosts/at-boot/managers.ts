/** Who sets up an interface at boot, by each of the programs that hosts have for it. No I/O. */
import { posix } from 'node:path';
import { bytesOf, lastValue, matchesAny, readKeyed } from './keyed.js';
import type { NetworkFiles } from './survey.js';

export interface AtBoot {
  /** What brings it up. */
  by: string;
  /** Bytes; undefined: that of its kind. */
  mtu: number | undefined;
}

interface Interface {
  name: string;
  mac: string;
}

type Manager = (host: NetworkFiles, iface: Interface) => AtBoot | undefined;

/** systemd.network(5): of the files in all folders, sorted by their names, the first that matches; a made one needs a .netdev. */
const networkd: Manager = ({ managers, files, devices }, iface) => {
  if (!managers.has('networkd')) return undefined;
  const all = byName(files, '/systemd/network/');
  const made = all
    .filter(([name]) => name.endsWith('.netdev'))
    .map(([, text]) => readKeyed(text))
    .find((keyed) => lastValue(keyed, ['NetDev'], 'Name') === iface.name);
  if (!devices.has(iface.name) && made === undefined) return undefined;
  const network = all.find(([name, text]) => name.endsWith('.network') && matches(text, iface, 'Name'));
  if (network === undefined) return undefined;
  const keyed = readKeyed(network[1]);
  const link = (key: string): string | undefined => lastValue(keyed, ['Link'], key);
  if (/^(yes|true|1|on)$/i.test(link('Unmanaged') ?? '')) return undefined;
  if (/^(manual|down|always-down)$/.test(link('ActivationPolicy') ?? '')) return undefined;
  return {
    by: `systemd-networkd (${network[0]})`,
    mtu: bytesOf(link('MTUBytes') ?? (made && lastValue(made, ['NetDev'], 'MTUBytes'))),
  };
};

/** nm-settings-keyfile(5). Without a profile it makes one for each Ethernet device by itself. */
const networkManager: Manager = ({ managers, files, devices, unmanaged }, iface) => {
  if (!managers.has('NetworkManager') || unmanaged.has(iface.name)) return undefined;
  for (const [name, text] of byName(files, '/system-connections/')) {
    const keyed = readKeyed(text);
    const value = (section: string, key: string) => lastValue(keyed, [section], key);
    const wired = ['ethernet', '802-3-ethernet'];
    const named = value('connection', 'interface-name');
    const mac = lastValue(keyed, wired, 'mac-address');
    const isFor =
      named === iface.name ||
      (named === undefined &&
        wired.includes(value('connection', 'type') ?? '') &&
        devices.has(iface.name) &&
        (mac === undefined || mac.toLowerCase() === iface.mac));
    if (!isFor || value('connection', 'autoconnect') === 'false') continue;
    const mtu = Number(lastValue(keyed, wired, 'mtu') ?? 0);
    return { by: `NetworkManager (${name})`, mtu: mtu || undefined };
  }
  return devices.has(iface.name) ? { by: 'NetworkManager', mtu: undefined } : undefined;
};

/** interfaces(5), of ifupdown and its kin. */
const ifupdown: Manager = ({ managers, files }, { name }) => {
  if (!managers.has('ifup')) return undefined;
  let by: string | undefined;
  let mtu: number | undefined;
  for (const [path, text] of files) {
    if (!path.startsWith('/etc/network/interfaces')) continue;
    let isIts = false;
    for (const line of text.replaceAll(/\\\n/g, ' ').split('\n')) {
      const [word = '', ...rest] = line.trim().split(/\s+/);
      if (/^(auto|allow-auto|allow-hotplug)$/.test(word) && rest.includes(name)) by = `ifupdown (${path})`;
      if (/^(iface|auto|allow-\S+|mapping|source\S*)$/.test(word))
        isIts = word === 'iface' && rest[0] === name;
      if (!isIts) continue;
      const given = word === 'mtu' ? rest[0] : /\bmtu (\d+)/.exec(rest.join(' '))?.[1];
      mtu = given === undefined ? mtu : Number(given);
    }
  }
  return by === undefined ? undefined : { by, mtu };
};

/** Variables of a shell, as Red Hat, SUSE and Gentoo have them. */
const variables: Manager = ({ files }, { name }) => {
  for (const [path, text] of files) {
    const value = (key: string): string | undefined =>
      new RegExp(`^\\s*${key}=["']?([^"'\\n#]*)`, 'm').exec(text)?.[1]?.trim();
    if (posix.basename(path) !== `ifcfg-${name}`) continue;
    const starts = path.includes('network-scripts') ? value('ONBOOT') : value('STARTMODE');
    if (!/^(yes|true|1|auto|onboot|hotplug|nfsroot|boot|on)$/i.test(starts ?? '')) continue;
    return { by: path, mtu: Number(value('MTU') ?? 0) || undefined };
  }
  if (!files.has(`/etc/runlevels/default/net.${name}`)) return undefined;
  const key = `mtu_${name.replaceAll(/\W/g, '_')}`;
  const mtu = new RegExp(`^\\s*${key}=["']?(\\d+)`, 'm').exec(files.get('/etc/conf.d/net') ?? '')?.[1];
  return { by: `net.${name}`, mtu: mtu === undefined ? undefined : Number(mtu) };
};

/** Undefined where nothing that is known brings the interface up. */
export function atBoot(host: NetworkFiles, iface: Interface): AtBoot | undefined {
  const found = [networkd, networkManager, ifupdown, variables].flatMap(
    (manager) => manager(host, iface) ?? [],
  );
  // udev sets the MTU of a device by systemd.link(5), whoever brings it up.
  const link = byName(host.files, '/systemd/network/').find(
    ([name, text]) => name.endsWith('.link') && matches(text, iface, 'OriginalName'),
  );
  const mtu = link && bytesOf(lastValue(readKeyed(link[1]), ['Link'], 'MTUBytes'));
  const [first] = found;
  return first === undefined
    ? undefined
    : { ...first, mtu: found.find((one) => one.mtu !== undefined)?.mtu ?? mtu };
}

/** Files of some folders, each name once, sorted by it. */
function byName(files: ReadonlyMap<string, string>, folder: string): [string, string][] {
  const names = new Map<string, [string, string]>();
  for (const [path, text] of files) {
    const name = posix.basename(path);
    if (path.includes(folder) && !names.has(name)) names.set(name, [path, text]);
  }
  return [...names].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, file]) => file);
}

/** Conditions that are not known here are taken to be met. @param nameKey the key of the interface's name */
function matches(text: string, { name, mac }: Interface, nameKey: string): boolean {
  const conditions = readKeyed(text).get('Match') ?? [];
  return conditions.every(([key, value]) => {
    if (key === nameKey || key === 'Name') return matchesAny(value, name);
    if (key === 'MACAddress' || key === 'PermanentMACAddress') return value.toLowerCase().includes(mac);
    if (key === 'Type') return matchesAny(value, 'ether');
    return true;
  });
}

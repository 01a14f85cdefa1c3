/** What a reboot would change about an interface that carries AoE, and what to do about it. No I/O. */
import type { InterfaceFacts } from '../host/interface-facts.js';
import { quoteArgv } from '../host/quote.js';
import { type AtBoot, atBoot } from './managers.js';
import type { NetworkFiles } from './survey.js';

const USUAL_MTU = 1500;

/** @param ours the same interface where services of ours bring it up, and set its MTU if that is there */
export function bootWarnings(
  host: NetworkFiles,
  iface: Pick<InterfaceFacts, 'name' | 'mac' | 'mtu' | 'type'>,
  ours?: { mtu?: number },
): string[] {
  const { name, mtu, type } = iface;
  if (type === 'loopback') return [];
  const found = atBoot(host, iface);
  if (ours?.mtu !== undefined) return sizeWarnings(host, iface, ours.mtu, found);
  if (ours !== undefined && found === undefined) {
    return mtu === USUAL_MTU
      ? []
      : [`nothing known here sets the MTU of ${name} at boot, which is ${mtu} now; ${remedy(host, iface)}`];
  }
  if (found === undefined) {
    const size = mtu === USUAL_MTU ? '' : `, nor sets its MTU of ${mtu}`;
    return [
      `nothing known here brings ${name} up at boot${size}: until somebody does, a reboot leaves the export unserved; ${remedy(host, iface)}`,
    ];
  }
  if ((found.mtu ?? USUAL_MTU) === mtu) return [];
  const comes =
    found.mtu === undefined ? `, and nothing known here sets its MTU` : ` with an MTU of ${found.mtu}`;
  return [`${found.by} brings ${name} up at boot${comes}, which is ${mtu} now; ${remedy(host, iface)}`];
}

/** An MTU that services of ours set, where somebody else may set it too. */
function sizeWarnings(
  host: NetworkFiles,
  iface: Pick<InterfaceFacts, 'name' | 'mtu'>,
  ours: number,
  found: AtBoot | undefined,
): string[] {
  const { name, mtu } = iface;
  const wanted = { name, mtu: ours };
  if (mtu !== ours) {
    const by = found?.mtu === mtu ? found.by : 'somebody';
    return [
      `host prepare had set the MTU of ${name} to ${ours}, and ${by} has set it to ${mtu}; ${remedy(host, wanted)}`,
    ];
  }
  if (found?.mtu === undefined || found.mtu === ours) return [];
  return [
    `${found.by} brings ${name} up at boot with an MTU of ${found.mtu}, and the export sets ${ours}, as host prepare did: what comes later counts; ${remedy(host, wanted)}`,
  ];
}

function remedy(
  { managers, devices }: NetworkFiles,
  { name, mtu }: Pick<InterfaceFacts, 'name' | 'mtu'>,
): string {
  const make = devices.has(name) ? '' : ' (and a .netdev file that makes it)';
  if (managers.has('networkd'))
    return `have systemd-networkd do it: a .network file with [Match] Name=${name} and [Link] MTUBytes=${mtu}${make}`;
  if (managers.has('NetworkManager'))
    return `have NetworkManager do it: a profile with interface-name=${name}, autoconnect=true and mtu=${mtu}`;
  if (managers.has('ifup'))
    return `have ifupdown do it, in /etc/network/interfaces: auto ${name}, iface ${name} inet manual, mtu ${mtu}`;
  return `have what sets up the network of this host do it: ${quoteArgv(['ip', 'link', 'set', name, 'up', 'mtu', String(mtu)])}`;
}

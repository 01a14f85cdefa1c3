/** The files of a host that say how its network is set up at boot, as they are. */
import type { Host } from '../host/host.js';

export interface NetworkFiles {
  /** Programs and services that set up networks there: networkd, NetworkManager, ifup. */
  managers: Set<string>;
  /** Path → text. Of two of the same name the first counts. */
  files: Map<string, string>;
  /** Names of the interfaces that are devices, rather than made by software. */
  devices: Set<string>;
  /** Those that NetworkManager leaves alone. */
  unmanaged: Set<string>;
}

const SCRIPT = `enabled() { case $(systemctl is-enabled "$1" 2> /dev/null) in enabled*|static|linked*|alias|generated) echo "@@manager $2";; esac; }
if command -v systemctl > /dev/null 2>&1; then
  enabled systemd-networkd.service networkd
  enabled NetworkManager.service NetworkManager
fi
for m in networkd NetworkManager; do
  case $m in networkd) d=/run/systemd/netif;; *) d=/run/NetworkManager/devices;; esac
  [ ! -d "$d" ] || echo "@@manager $m"
done
[ ! -e /etc/runlevels/default/NetworkManager ] || echo '@@manager NetworkManager'
command -v ifup > /dev/null 2>&1 && echo '@@manager ifup'
for d in /sys/class/net/*/device; do d=\${d%/device}; echo "@@device \${d##*/}"; done
command -v nmcli > /dev/null 2>&1 && nmcli -t -f DEVICE,STATE device 2> /dev/null | sed -n 's/^\\(.*\\):unmanaged$/@@unmanaged \\1/p'
for f in /etc/systemd/network/* /run/systemd/network/* /usr/lib/systemd/network/* /lib/systemd/network/* \\
  /etc/NetworkManager/system-connections/* /run/NetworkManager/system-connections/* \\
  /etc/network/interfaces /etc/network/interfaces.d/* \\
  /etc/sysconfig/network-scripts/ifcfg-* /etc/sysconfig/network/ifcfg-* /etc/conf.d/net /etc/runlevels/default/net.*; do
  [ -f "$f" ] || continue
  echo "@@file $f"
  case $f in /etc/runlevels/*) ;; *) cat "$f"; echo ;; esac
done
:`;

/** @throws as Host.run */
export async function surveyNetworkFiles(host: Host): Promise<NetworkFiles> {
  return readNetworkFiles((await host.run(['sh', '-c', SCRIPT])).stdout);
}

/** Reads what the script printed. */
export function readNetworkFiles(text: string): NetworkFiles {
  const found: NetworkFiles = {
    managers: new Set(),
    files: new Map(),
    devices: new Set(),
    unmanaged: new Set(),
  };
  let current: string | undefined;
  for (const line of text.split('\n')) {
    const [, kind, rest = ''] = /^@@(manager|device|unmanaged|file) (.*)$/.exec(line) ?? [];
    if (kind === 'manager') found.managers.add(rest);
    else if (kind === 'device') found.devices.add(rest);
    else if (kind === 'unmanaged') found.unmanaged.add(rest);
    else if (kind === 'file') current = rest;
    if (kind === 'file' && current !== undefined) found.files.set(current, '');
    else if (kind === undefined && current !== undefined) {
      found.files.set(current, `${found.files.get(current) ?? ''}${line}\n`);
    }
  }
  return found;
}

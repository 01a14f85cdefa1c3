/** D5: what a reboot leaves of an interface, by the files of each program that sets up networks. */
import test from 'ava';
import { readNetworkFiles } from '../../../src/hosts/at-boot/survey.js';
import { bootWarnings } from '../../../src/hosts/at-boot/warnings.js';

const MAC = '02:00:00:00:00:01';

interface Case {
  title: string;
  /** As the survey's script prints it. */
  host: string;
  name?: string;
  mtu?: number;
  /** What services of ours do at boot. */
  ours?: { mtu?: number };
  /** Undefined: no warning. */
  warning?: RegExp;
}

const NETWORKD = '@@manager networkd\n@@device eth0\n@@file /etc/systemd/network/10-san.network\n';
const NM = '@@manager NetworkManager\n@@device eth0\n';
const IFUP = '@@manager ifup\n@@device eth0\n@@file /etc/network/interfaces\n';

const CASES: Case[] = [
  {
    title: 'nothing sets up a network',
    host: '@@device eth0\n',
    mtu: 9000,
    warning:
      /^nothing known here brings eth0 up at boot, nor sets its MTU of 9000: .*ip link set eth0 up mtu 9000$/,
  },
  {
    title: 'networkd without a file for it',
    host: `${NETWORKD}[Match]\nName=eth1\n`,
    warning: /^nothing known here brings eth0 up at boot: .*systemd-networkd.*\[Match\] Name=eth0/,
  },
  { title: 'networkd, by a pattern', host: `${NETWORKD}[Match]\nName=en* et*\n[Network]\nDHCP=no\n` },
  {
    title: 'networkd, but not that one',
    host: `${NETWORKD}[Match]\nName=!eth0\n`,
    warning: /^nothing known here brings eth0 up/,
  },
  {
    title: 'networkd, by MAC, with the MTU',
    host: `${NETWORKD}[Match]\nMACAddress=${MAC}\n[Link]\nMTUBytes=9000\n`,
    mtu: 9000,
  },
  {
    title: 'networkd, MTU in units',
    host: `${NETWORKD}[Match]\nName=eth0\n[Link]\nMTUBytes=4K\n`,
    mtu: 4096,
  },
  {
    title: 'networkd with another MTU',
    host: `${NETWORKD}[Match]\nName=eth0\n[Link]\nMTUBytes=1500\n`,
    mtu: 9000,
    warning:
      /^systemd-networkd \(\/etc\/systemd\/network\/10-san\.network\) brings eth0 up at boot with an MTU of 1500, which is 9000 now/,
  },
  {
    title: 'networkd without an MTU',
    host: `${NETWORKD}[Match]\nName=eth0\n`,
    mtu: 9000,
    warning: /brings eth0 up at boot, and nothing known here sets its MTU, which is 9000 now/,
  },
  {
    title: 'the MTU by a .link file',
    host: `${NETWORKD}[Match]\nName=eth0\n@@file /etc/systemd/network/10-san.link\n[Match]\nOriginalName=*\n[Link]\nMTUBytes=9000\n`,
    mtu: 9000,
  },
  {
    title: 'a file that lies there, and no networkd',
    host: '@@device eth0\n@@file /etc/systemd/network/10-san.network\n[Match]\nName=eth0\n',
    warning: /^nothing known here brings eth0 up/,
  },
  {
    title: 'the first file that matches decides',
    host: `${NETWORKD}[Match]\nName=eth0\n[Link]\nUnmanaged=yes\n@@file /run/systemd/network/20-all.network\n[Match]\nName=*\n`,
    warning: /^nothing known here brings eth0 up/,
  },
  {
    title: 'a VLAN that was made by hand',
    host: `${NETWORKD}[Match]\nName=*\n`,
    name: 'eth0.5',
    warning: /^nothing known here brings eth0\.5 up at boot: .*and a \.netdev file that makes it/,
  },
  {
    title: 'a VLAN that networkd makes',
    host: `${NETWORKD}[Match]\nName=eth0.5\n@@file /etc/systemd/network/20-v.netdev\n[NetDev]\nName=eth0.5\nKind=vlan\nMTUBytes=9000\n`,
    name: 'eth0.5',
    mtu: 9000,
  },
  { title: 'NetworkManager, by itself', host: NM },
  {
    title: 'NetworkManager leaves it alone',
    host: `${NM}@@unmanaged eth0\n`,
    warning: /^nothing known here .*NetworkManager do it: a profile with interface-name=eth0/,
  },
  {
    title: 'NetworkManager with a profile',
    host: `${NM}@@file /etc/NetworkManager/system-connections/san.nmconnection\n[connection]\ntype=ethernet\ninterface-name=eth0\n[ethernet]\nmtu=9000\n`,
    mtu: 9000,
  },
  {
    title: 'NetworkManager without the MTU',
    host: NM,
    mtu: 9000,
    warning: /^NetworkManager brings eth0 up at boot, and nothing known here sets its MTU, which is 9000 now/,
  },
  {
    title: 'ifupdown',
    host: `${IFUP}auto lo eth0\niface lo inet loopback\niface eth0 inet manual\n  mtu 9000\n`,
    mtu: 9000,
  },
  {
    title: 'ifupdown, by a command',
    host: `${IFUP}allow-hotplug eth0\niface eth0 inet manual\n  up ip link set $IFACE mtu 9000 up\n`,
    mtu: 9000,
  },
  {
    title: 'ifupdown, not at boot',
    host: `${IFUP}auto lo\niface eth0 inet manual\n  mtu 9000\n`,
    mtu: 9000,
    warning:
      /^nothing known here .*ifupdown do it, in \/etc\/network\/interfaces: auto eth0, iface eth0 inet manual, mtu 9000$/,
  },
  {
    title: 'Red Hat',
    host: '@@device eth0\n@@file /etc/sysconfig/network-scripts/ifcfg-eth0\nDEVICE=eth0\nONBOOT="yes"\nMTU=9000\n',
    mtu: 9000,
  },
  {
    title: 'Red Hat, not at boot',
    host: '@@device eth0\n@@file /etc/sysconfig/network-scripts/ifcfg-eth0\nONBOOT=no\n',
    warning: /^nothing known here/,
  },
  {
    title: 'Gentoo',
    host: '@@device eth0\n@@file /etc/conf.d/net\nmtu_eth0="9000"\n@@file /etc/runlevels/default/net.eth0\n',
    mtu: 9000,
  },
  { title: 'services of ours bring it up and set its MTU', host: IFUP, mtu: 9000, ours: { mtu: 9000 } },
  { title: 'services of ours bring it up', host: IFUP, ours: {} },
  {
    title: 'services of ours bring it up, and nothing sets its MTU',
    host: IFUP,
    mtu: 9000,
    ours: {},
    warning: /^nothing known here sets the MTU of eth0 at boot, which is 9000 now; have ifupdown do it/,
  },
  {
    title: 'services of ours set an MTU that networkd sets back',
    host: `${NETWORKD}[Match]\nName=eth0\n[Link]\nMTUBytes=1500\n`,
    mtu: 9000,
    ours: { mtu: 9000 },
    warning:
      /^systemd-networkd \(\S+\) brings eth0 up at boot with an MTU of 1500, and the export sets 9000, .*: what comes later counts; have systemd-networkd do it: .*MTUBytes=9000$/,
  },
  {
    title: 'services of ours set an MTU that networkd has set back',
    host: `${NETWORKD}[Match]\nName=eth0\n[Link]\nMTUBytes=1500\n`,
    ours: { mtu: 9000 },
    warning:
      /^host prepare had set the MTU of eth0 to 9000, and systemd-networkd \(\S+\) has set it to 1500; .*MTUBytes=9000$/,
  },
  {
    title: 'services of ours set an MTU that somebody has set back',
    host: IFUP,
    ours: { mtu: 9000 },
    warning: /^host prepare had set the MTU of eth0 to 9000, and somebody has set it to 1500; .* mtu 9000$/,
  },
];

for (const { title, host, name = 'eth0', mtu = 1500, ours, warning } of CASES) {
  test(`D5: ${title}`, (t) => {
    const found = bootWarnings(readNetworkFiles(host), { name, mac: MAC, mtu, type: 'ether' }, ours);
    t.is(found.length, warning === undefined ? 0 : 1, found.join('\n'));
    if (warning !== undefined) t.regex(found[0] ?? '', warning);
  });
}

test('D5: the loopback interface is up whatever happens', (t) => {
  t.deepEqual(bootWarnings(readNetworkFiles(''), { name: 'lo', mac: '', mtu: 65536, type: 'loopback' }), []);
});

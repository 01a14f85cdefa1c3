import test from 'ava';
import { type AddressedLink, whyNotSpare } from '../../../src/hosts/host/spare.js';

const inet = (local: string) => [{ local, scope: 'global' }];
const own = [{ local: 'fe80::1', scope: 'link' }];

const CASES: {
  title: string;
  links: AddressedLink[];
  iface?: string;
  over?: string;
  why: RegExp | undefined;
}[] = [
  {
    title: 'an interface with an IP address is none to be taken down',
    links: [{ ifname: 'san0', addr_info: inet('10.0.0.5') }],
    why: /san0 has the IP address 10\.0\.0\.5/,
  },
  {
    title: 'nor one that is a port of a bridge with an address',
    links: [
      { ifname: 'san0', master: 'br0' },
      { ifname: 'br0', addr_info: inet('10.0.0.5') },
    ],
    why: /br0, which lies on it/,
  },
  {
    title: 'nor one below a VLAN with an address',
    links: [{ ifname: 'san0' }, { ifname: 'san0.5', link: 'san0', addr_info: inet('10.0.0.5') }],
    why: /san0\.5/,
  },
  {
    title: 'nor one below a VLAN that is a port of a bridge with an address, in any order',
    links: [
      { ifname: 'br0', addr_info: inet('10.0.0.5') },
      { ifname: 'san0.5', link: 'san0', master: 'br0' },
      { ifname: 'san0' },
    ],
    why: /br0/,
  },
  {
    title: 'nor one over whose link-local address we are connected',
    links: [{ ifname: 'san0', addr_info: own }],
    over: 'fe80::1',
    why: /fe80::1/,
  },
  {
    title: 'a link-local address that nobody came by does not count',
    links: [{ ifname: 'san0', addr_info: own }],
    over: '10.0.0.5',
    why: undefined,
  },
  {
    title: 'addresses of interfaces that have nothing to do with it do not count',
    links: [
      { ifname: 'eth0', master: 'br0' },
      { ifname: 'br0', addr_info: inet('10.0.0.5') },
      { ifname: 'san0' },
      { ifname: 'san0.7', link: 'san0' },
    ],
    why: undefined,
  },
];

for (const { title, links, over, why } of CASES) {
  test(title, (t) => {
    const found = whyNotSpare(links, 'san0', over);
    if (why === undefined) t.is(found, undefined);
    else t.regex(found ?? '', why);
  });
}

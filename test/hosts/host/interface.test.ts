/**
 * Interfaces as `ip -json -details link show` tells them. veth, bridge and macvlan were printed by iproute2 6.1 on Linux 6.18;
 * bond, team, Open vSwitch, VRF, ipvlan and DSA have the same shape (iproute2, ip/ipaddress.c), put together here because the
 * kernels of live tests lack them.
 */
import test from 'ava';
import { interfacesFrom } from '../../../src/hosts/host/interface.js';
import { chooseInterface } from '../../../src/hosts/host/interface-choice.js';
import type { InterfaceFacts } from '../../../src/hosts/host/interface-facts.js';
import {
  interfaceObjection,
  macvlanObjection,
  mtuObjection,
} from '../../../src/hosts/host/interface-objection.js';
import { parseLinks } from '../../../src/hosts/host/links.js';

function parseInterfaces(text: string): InterfaceFacts[] {
  return interfacesFrom(parseLinks(text));
}

const link = (ifindex: number, ifname: string, more: object = {}): object => ({
  ifindex,
  ifname,
  flags: ['BROADCAST', 'MULTICAST', 'UP', 'LOWER_UP'],
  mtu: 1500,
  qdisc: 'noqueue',
  operstate: 'UP',
  link_type: 'ether',
  address: `02:00:00:00:00:0${ifindex}`,
  ...more,
});
const port = (master: string, kind: string): object => ({ master, linkinfo: { info_slave_kind: kind } });
const kind = (info_kind: string, more: object = {}): object => ({ linkinfo: { info_kind, ...more } });

function choose(links: readonly object[], name: string) {
  const all = parseInterfaces(JSON.stringify(links)) ?? [];
  return chooseInterface(all, name, { netns: undefined, verb: 'export on' });
}

const PORTS: [string, readonly object[], RegExp, RegExp][] = [
  [
    'a bridge',
    [link(2, 't0', port('br0', 'bridge')), link(3, 'br0', kind('bridge'))],
    /^t0 is a port of br0$/,
    /^export on br0$/,
  ],
  [
    'a bond',
    [link(2, 't0', port('bond0', 'bond')), link(3, 'bond0', kind('bond'))],
    /^t0 is a port of bond0 \(bond\)$/,
    /^export on bond0$/,
  ],
  [
    'a team',
    [link(2, 't0', port('team0', 'team')), link(3, 'team0', kind('team'))],
    /^t0 is a port of team0 \(team\)$/,
    /^export on team0$/,
  ],
  [
    'a bond that is a port of a bridge',
    [
      link(2, 't0', port('bond0', 'bond')),
      link(3, 'bond0', { master: 'br0', ...kind('bond', { info_slave_kind: 'bridge' }) }),
      link(4, 'br0', kind('bridge')),
    ],
    /^t0 is a port of bond0 \(bond\), and bond0 is a port of br0$/,
    /^export on br0$/,
  ],
  [
    'an Open vSwitch',
    [link(2, 't0', port('ovs-system', 'openvswitch')), link(3, 'ovs-system', kind('openvswitch'))],
    /^t0 is a port of an Open vSwitch$/,
    /^export on the bridge's own interface: ovs-vsctl iface-to-br t0 tells its name$/,
  ],
  [
    'a bridge of which an old ip tells no kind of port',
    [link(2, 't0', { master: 'br0' }), link(3, 'br0', kind('bridge'))],
    /^t0 is a port of br0$/,
    /^export on br0$/,
  ],
  [
    'something that is not known',
    [link(2, 't0', port('x0', 'hsr')), link(3, 'x0')],
    /^t0 is a port of x0 \(hsr\)$/,
    /^export on x0$/,
  ],
];
for (const [what, links, happened, next] of PORTS) {
  test(`B3: a port of ${what} is refused, with the interface to name`, (t) => {
    const choice = choose(links, 't0');
    if (!('happened' in choice)) return t.fail('it was not refused');
    t.regex(choice.happened, happened);
    t.regex(choice.next, next);
  });
}

test('B3: a port of a VRF hears what is not IP, and is taken', (t) => {
  t.true('facts' in choose([link(2, 't0', port('red', 'vrf')), link(3, 'red', kind('vrf'))], 't0'));
});

test('B3: two masters of each other end the search', (t) => {
  const all = [link(2, 'a', port('b', 'bond')), link(3, 'b', port('a', 'bond'))];
  t.true('happened' in choose(all, 'a'));
});

test('B3: below a VLAN an interface is its own; an ipvlan, a macvtap and the way to a switch chip are none to serve on', (t) => {
  const vlan = link(3, 't0.5', { link: 't0', ...kind('vlan', { info_data: { protocol: '802.1Q', id: 5 } }) });
  t.true('facts' in choose([link(2, 't0'), vlan], 't0'));
  t.true('facts' in choose([link(2, 't0'), vlan], 't0.5'));
  const ipvlan = link(3, 'ipv0', { link: 't0', ...kind('ipvlan', { info_data: { mode: 'l2' } }) });
  t.like(choose([link(2, 't0'), ipvlan], 'ipv0'), { next: 'export on t0' });
  t.true('facts' in choose([link(2, 't0'), ipvlan], 't0'));
  const tap = link(3, 'mt0', { link: 't0', ...kind('macvtap') });
  t.like(choose([link(2, 't0'), tap], 'mt0'), { next: 'export on a macvlan on t0' });
  const lan = ['lan1', 'lan2'].map((name, index) => link(3 + index, name, { link: 't0', ...kind('dsa') }));
  t.like(choose([link(2, 't0'), ...lan], 't0'), { next: 'export on a port of the switch: lan1, lan2' });
  t.true('facts' in choose([link(2, 't0'), ...lan], 'lan1'));
});

test('B3: macvlans on an interface are told for new exports only, those in other namespaces not', (t) => {
  const above = link(3, 'mv0', { link: 't0', ...kind('macvlan', { info_data: { mode: 'bridge' } }) });
  const [t0, mv0] = parseInterfaces(JSON.stringify([link(2, 't0'), above])) ?? [];
  if (t0 === undefined || mv0 === undefined) return t.fail();
  t.is(mv0.lower, 't0');
  t.regex(macvlanObjection(t0, [t0, mv0])?.happened ?? '', /t0 carries the macvlan mv0/);
  t.is(macvlanObjection(mv0, [t0, mv0]), undefined);
  t.is(interfaceObjection(t0, [t0, mv0], 'export on'), undefined);
  const { link: _, ...away } = above as { link: string };
  t.is(
    macvlanObjection(
      t0,
      parseInterfaces(JSON.stringify([{ ...away, link_index: 2, link_netnsid: 0 }])) ?? [],
    ),
    undefined,
  );
});

test('B5: a name is looked for among names first, then among altnames', (t) => {
  const all = [link(2, 'eth0', { altnames: ['enp3s0', 'lan'] }), link(3, 'lan')];
  t.like(choose(all, 'enp3s0'), { facts: { name: 'eth0' } });
  t.like(choose(all, 'lan'), { facts: { name: 'lan' } });
  t.like(choose(all, 'wan'), {
    happened: 'there is no such interface',
    next: 'take one of eth0, lan, or name its namespace by --netns',
  });
});

test('no Ethernet, a name like an option, down, an MTU too small: each has its reason and its way out', (t) => {
  const tun = link(2, 'tun0', { link_type: 'none' });
  t.like(choose([tun], 'tun0'), { happened: 'tun0 is no Ethernet but none' });
  t.like(choose([link(2, '-x')], '-x'), { next: 'rename it: ip link set dev -x name NAME' });
  t.like(choose([link(2, 't0', { flags: ['BROADCAST'] })], 't0'), { next: 'ip link set t0 up' });
  t.like(choose([link(2, 't0', { mtu: 533 })], 't0'), { next: 'ip link set dev t0 mtu 1500' });
  t.true('facts' in choose([link(2, 't0', { mtu: 534 })], 't0'));
  t.true('facts' in choose([link(1, 'lo', { link_type: 'loopback', mtu: 65536 })], 'lo'));
  t.is(mtuObjection({ name: 't0', mtu: 534 } as never), undefined);
});

test('what is no list of interfaces is known as such', (t) => {
  t.deepEqual(parseInterfaces('BusyBox v1.36.1 multi-call binary.\n\nUsage: ip [OPTIONS] address|route'), []);
  t.deepEqual(parseInterfaces(''), []);
  // Early releases of iproute2.
  t.is(parseInterfaces(JSON.stringify([{}, link(2, 't0')]))?.length, 1);
});

test("a veth's other end is told by name in its namespace, by numbers beyond", (t) => {
  const near = link(2, 't0', { link: 't1', ...kind('veth') });
  const far = link(3, 't2', { link_index: 7, link_netnsid: 1, ...kind('veth') });
  t.deepEqual(
    parseInterfaces(JSON.stringify([near, far]))?.map(({ peer, lower }) => [peer, lower]),
    [
      [{ index: 0, name: 't1' }, undefined],
      [{ index: 7, namespaceId: 1 }, undefined],
    ],
  );
});

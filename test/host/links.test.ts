import test from 'ava';
import { parseLinks } from '../../src/host/links.js';

test('C2: what the ip of busybox prints, and an old iproute2', (t) => {
  const text = `1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue qlen 1000
    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00
7: san0@if6: <BROADCAST,MULTICAST> mtu 9000 qdisc noop state DOWN mode DEFAULT group default qlen 1000
    link/ether 02:00:00:00:00:07 brd ff:ff:ff:ff:ff:ff link-netnsid 0
9: tun0: <POINTOPOINT,NOARP> mtu 1400 qdisc noop
    link/none
`;
  t.deepEqual(
    parseLinks(text).map(({ ifindex, ifname, flags, mtu, link_type, address }) => [
      ifindex,
      ifname,
      flags.includes('UP'),
      mtu,
      link_type,
      address,
    ]),
    [
      [1, 'lo', true, 65_536, 'loopback', '00:00:00:00:00:00'],
      [7, 'san0', false, 9000, 'ether', '02:00:00:00:00:07'],
      [9, 'tun0', false, 1400, 'none', undefined],
    ],
  );
  t.is(parseLinks('[{"ifname":"eth0"}]')[0]?.ifname, 'eth0');
  t.deepEqual(parseLinks('Usage: ip [OPTIONS] address|route|link'), []);
});

import test from 'ava';
import { MissingError } from '../../../src/base/errors.js';
import type { Host } from '../../../src/hosts/host/host.js';
import { parseLinks, readLinks } from '../../../src/hosts/host/links.js';

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

test('HOSTILE: names with control characters, and what early releases of ip(8) escape, stop nothing', (t) => {
  const text = `[{"ifname":"a\u001b[2Jb","flags":[]},{"ifname":"it\\'s","flags":[]},{"ifname":"q\\"\\\\u","flags":[]},\n{"ifname":"san0"}]`;
  t.deepEqual(
    parseLinks(text).map(({ ifname }) => ifname),
    ['a\u001b[2Jb', "it's", 'q"\\u', 'san0'],
  );
});

test('what ip(8) prints and nobody can read is told as that', async (t) => {
  const run = async () => ({ exitCode: 0, stdout: '[{"ifname":', stderr: '', duration: 0 });
  const error = await t.throwsAsync(readLinks({ name: 'far', run } as unknown as Host), {
    instanceOf: MissingError,
  });
  t.regex(error?.message ?? '', /what it prints can not be read/);
});

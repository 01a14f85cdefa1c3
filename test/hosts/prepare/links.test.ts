/** D5: what of an interface `prepare` has set up, and so comes back with an export. */
import test from 'ava';
import type { InterfaceFacts } from '../../../src/hosts/host/interface-facts.js';
import { linksAmong } from '../../../src/hosts/prepare/links.js';

const facts = (name: string, mtu: number, lower?: string): InterfaceFacts => ({
  name,
  altnames: [],
  index: 1,
  up: true,
  carrier: true,
  mac: '',
  mtu,
  type: 'ether',
  kind: '',
  ...(lower === undefined ? {} : { lower }),
});

const INTERFACES = [facts('san0', 9000), facts('san0.5', 9000, 'san0'), facts('lan0', 1500)];

test('an interface that prepare did not touch is left alone', (t) => {
  t.deepEqual(linksAmong(['link lan0 up', 'packages a'], INTERFACES, 'san0'), []);
});

test('what was only brought up keeps whatever MTU it has', (t) => {
  t.deepEqual(linksAmong(['link san0 up'], INTERFACES, 'san0'), [{ name: 'san0' }]);
  t.deepEqual(linksAmong(['link san0 mtu'], INTERFACES, 'san0'), [{ name: 'san0', mtu: 9000 }]);
});

test('a VLAN is made again, after the interface below it', (t) => {
  t.deepEqual(linksAmong(['link san0 mtu', 'link san0 up', 'vlan san0.5'], INTERFACES, 'san0.5'), [
    { name: 'san0', mtu: 9000 },
    { name: 'san0.5', mtu: 9000, vlan: { on: 'san0', id: 5 } },
  ]);
  t.deepEqual(linksAmong(['link san0 mtu'], INTERFACES, 'san0.5'), [{ name: 'san0', mtu: 9000 }]);
});

import test from 'ava';
import type { InterfaceFacts } from '../../../src/hosts/host/interface-facts.js';
import type { LabExport } from '../../../src/manage/lab/lab.js';
import { type HostPlace, placeTrouble } from '../../../src/manage/lab/places.js';
import { eth0 } from '../../hosts/host/eth0.js';

function trouble(interfaces: readonly InterfaceFacts[], isNew: boolean): string | undefined {
  const place: HostPlace = { netns: undefined, interfaces, foreign: [] };
  const one = { iface: 'eth0', netns: undefined, address: { shelf: 1, slot: 2 }, allow: [] };
  return placeTrouble([place], one as unknown as LabExport, isNew)?.happened;
}

test('an interface that is up and has a carrier takes an export', (t) => {
  t.is(trouble([eth0], true), undefined);
});

test('without a carrier no new export is planned; one that is there may go on', (t) => {
  const dark = { ...eth0, carrier: false };
  t.is(trouble([dark], true), 'the interface eth0 has no carrier');
  t.is(trouble([dark], false), undefined);
});

test('an interface that is down, or missing, takes none', (t) => {
  t.is(trouble([{ ...eth0, up: false }], true), 'interface eth0: it is down');
  t.is(trouble([], true), 'interface eth0: there is no such interface');
});

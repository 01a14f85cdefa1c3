import test from 'ava';
import { exportId } from '../../../src/serve/exports/entry.js';
import { selectEntries } from '../../../src/serve/exports/unexport.js';
import { entryOf } from './entries.js';

const entries = [
  entryOf({ slot: 1 }),
  entryOf({ slot: 2 }),
  entryOf({ slot: 2, iface: 'eth1' }),
  entryOf({ slot: 3, netns: 'lab' }),
];

const pick = (...names: string[]) => selectEntries(entries, names).map(exportId);

test('a name that is not exported is refused with those that are', (t) => {
  const error = t.throws(() => pick('e0.1', 'e7.7'));
  t.regex(error?.message ?? '', /e7\.7: it is not exported here/);
  t.regex(
    String((error as { facts?: { next?: string } }).facts?.next),
    /e0\.1@eth0, e0\.2@eth0, e0\.2@eth1, e0\.3@eth0%lab/,
  );
});

test('a short name that two interfaces serve is refused with both', (t) => {
  const error = t.throws(() => pick('e0.2'));
  t.is(String((error as { facts?: { next?: string } }).facts?.next), 'name one of e0.2@eth0, e0.2@eth1');
});

test('short names, names with interface, and whole ids are understood, each export once', (t) => {
  t.deepEqual(pick('e0.1', 'e0.1@eth0', 'e0.3', 'e0.3@eth0', 'e0.3@eth0%lab'), [
    'e0.1@eth0',
    'e0.3@eth0%lab',
  ]);
  t.deepEqual(pick('e0.2@eth1'), ['e0.2@eth1']);
});

/** Who keeps the file that an export made, when that export ends. */
import test from 'ava';
import { heirOf, inherits, servesMade } from '../../../src/serve/exports/made-file.js';
import { backingOf, entryOf } from './entries.js';

const FILE = { dev: '8:1', inode: '77', birth: 1700000000, bootId: 'boot' };
const made = { made: true, madeAs: { ...FILE, rawDev: '2049' } };

function serving(slot: number, path: string, file: Partial<typeof FILE>, more = {}) {
  const identity = { kind: 'file' as const, ...FILE, ...file };
  return entryOf({ slot, backing: backingOf({ path, identity, ...more }) });
}

const maker = serving(1, '/srv/a', {}, made);

for (const [title, other, isHeir] of [
  ['the same file by another name', serving(2, '/srv/hard', {}), true],
  ['another file by the same name', serving(2, '/srv/a', { inode: '78' }), false],
  ['one of the same inode that was made at another time', serving(2, '/srv/b', { birth: 1 }), false],
  [
    'the same after a reboot, with another number of its file system',
    serving(2, '/srv/a', { bootId: 'x', dev: '8:2' }),
    true,
  ],
  [
    'one of an earlier version, by its name',
    entryOf({ slot: 2, backing: backingOf({ path: '/srv/a' }) }),
    true,
  ],
  [
    'one of an earlier version, by another name',
    entryOf({ slot: 2, backing: backingOf({ path: '/srv/b' }) }),
    false,
  ],
] as const) {
  test(`data: a file that was made goes to ${title}: ${isHeir}`, (t) => {
    t.is(heirOf(maker, [maker, other])?.slot, isHeir ? 2 : undefined);
  });
}

test('data: what was there before is nobody’s to remove, and an export is no heir of its own', (t) => {
  t.is(heirOf(serving(1, '/srv/a', {}), [serving(2, '/srv/a', {})]), undefined);
  t.is(heirOf(maker, [maker]), undefined);
  t.true(servesMade(maker, maker));
});

test('data: a further name that somebody gave a file is not removed for it: who serves it by that does not inherit', (t) => {
  const [hard, same] = [serving(2, '/srv/hard', {}), serving(3, '/srv/a', {})];
  t.false(inherits(maker, hard));
  t.true(inherits(maker, same));
  t.is(heirOf(maker, [maker, hard, same])?.slot, 3);
  // One that made a file of its own has that to remove.
  t.false(inherits(maker, serving(4, '/srv/a', {}, made)));
});

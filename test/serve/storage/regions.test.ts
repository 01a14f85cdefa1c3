import test from 'ava';
import { extentOf, sharers } from '../../../src/serve/storage/in-use.js';
import type { Extent } from '../../../src/serve/storage/regions.js';
import { surveyOf } from './disks.js';

const snapshot = surveyOf([
  'sda',
  'sda1',
  'sda2',
  'sdb',
  'sdc',
  'sdd',
  'sdd1',
  'sdd2',
  'dm-0',
  'dm-1',
  'md0',
]);

function extent(disk: string, from = 0, to = Number.MAX_SAFE_INTEGER): Extent {
  const facts = snapshot.names.get(`/dev/${disk}`);
  const found = facts && extentOf(snapshot, facts, from, to);
  if (found === undefined) throw new Error(`${disk} is not there`);
  return found;
}

/** Whether two may not be exported beside each other, whichever is the first. */
function clash(one: Extent, other: Extent): boolean[] {
  return [
    [one, other],
    [other, one],
  ].map(
    ([asked, there]) =>
      sharers(asked as Extent, false, [{ id: 'e0.1', extent: there as Extent, readOnly: false }]).length > 0,
  );
}

for (const [one, other, what] of [
  ['sda1', 'sda', 'a partition and its disk'],
  ['dm-0', 'sdd2', 'a logical volume and the partition that it lies on'],
  ['dm-0', 'sdd', 'a logical volume and the disk below its partition'],
  ['md0', 'sdc', 'an array and each of its disks'],
] as const) {
  test(`A4: ${what} have the same bytes, whichever is exported first`, (t) => {
    t.deepEqual(clash(extent(one), extent(other)), [true, true]);
  });
}

for (const [one, other, what] of [
  ['sda1', 'sda2', 'two partitions of a disk'],
  ['dm-0', 'sdd1', 'a logical volume and a partition beside it'],
  ['dm-0', 'dm-1', 'two logical volumes of one partition'],
  ['md0', 'sda', 'an array and a disk that is none of its own'],
] as const) {
  test(`A4: ${what} may be exported beside each other`, (t) => {
    t.deepEqual(clash(extent(one), extent(other)), [false, false]);
  });
}

test('A4, A11: a slice of a disk is held against the partitions that lie in it alone', (t) => {
  const half = 2048 * 512 + 2 ** 29;
  t.deepEqual(clash(extent('sda', 0, half), extent('sda1')), [true, true]);
  t.deepEqual(clash(extent('sda', 0, half), extent('sda2')), [false, false]);
  t.deepEqual(clash(extent('sdd', half), extent('dm-0')), [true, true]);
});

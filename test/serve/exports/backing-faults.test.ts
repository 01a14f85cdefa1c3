/** What status says of a disk that is not as large as it was, or is no more what its name means. */
import test from 'ava';
import { type BackingFault, judgeServed } from '../../../src/serve/exports/backing-faults.js';
import type { ExportEntry } from '../../../src/serve/exports/entry.js';
import { surveyOf } from '../storage/disks.js';
import { backingOf, entryOf } from './entries.js';

const SECTORS = 1 << 21;
const snapshot = surveyOf(['sda']);

/** Of an export of /dev/sda, which has SECTORS, by a kernel module or a program: none tells what it has open. */
function faults(then: number, part: Partial<ExportEntry> = {}, sectors?: number): BackingFault[] {
  const backing = backingOf({ kind: 'device', path: '/dev/sda', size: then * 512 });
  const view = {
    snapshot,
    opened: [],
    isServed: true,
    isDeaf: false,
    isShared: false,
    told: undefined,
    sectors,
  };
  return judgeServed(view, entryOf({ backing, ...part })).faults;
}

for (const [verb, then] of [
  ['grown', SECTORS / 2],
  ['shrunk', SECTORS * 2],
] as const) {
  test(`A12: a device that has ${verb} under a target that does not follow is a fault, which a restart repairs`, (t) => {
    const text = `/dev/sda has ${verb} to 1 GiB (${SECTORS} sectors), and its target serves ${then}: aoe-lab restart e0.1@eth0`;
    t.deepEqual(faults(then), [{ text, remedy: 'restart' }]);
    // What the wire, or the target, says counts.
    t.deepEqual(faults(SECTORS, {}, then), [{ text, remedy: 'restart' }]);
    t.deepEqual(faults(then, {}, SECTORS), []);
  });
}

test('A12: a device that has shrunk below the slice that is to be served is for a person to see to', (t) => {
  t.deepEqual(faults(SECTORS * 2, { options: { offset: SECTORS, length: 8 } })[0]?.remedy, 'file');
  t.deepEqual(faults(SECTORS * 2, { options: { offset: SECTORS - 4, length: 8 } }), [
    { text: '/dev/sda has shrunk: 8 sectors are to be served, and 4 are there', remedy: 'file' },
  ]);
  t.deepEqual(faults(SECTORS * 2, { options: { offset: SECTORS - 8, length: 8 } }), []);
});

test('what a target opens in passing while it is started is no file of its export', (t) => {
  const device = backingOf({ kind: 'device', path: '/dev/sda', size: SECTORS * 512 });
  const passing = { at: '/proc/7/fd/3', name: '/lib/libc.so.6', links: 1, blocks: 8 };
  const view = {
    snapshot,
    opened: [{ files: new Map([['0:5:77', passing]]), devices: new Set<string>() }],
    ...{ isServed: true, isShared: false, told: undefined, sectors: SECTORS },
  };
  const faultsOf = (isDeaf: boolean, more: object = {}) =>
    judgeServed({ ...view, isDeaf, ...more }, entryOf({ backing: device })).faults.length;
  t.is(faultsOf(true), 0);
  t.is(faultsOf(false), 1);
  // Another disk is what it serves, or would.
  const other = { opened: [{ files: new Map(), devices: new Set(['99:9']) }] };
  t.is(faultsOf(true, other), 1);
});

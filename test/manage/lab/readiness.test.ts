import { link } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { here } from '../../../src/hosts/host/local.js';
import type { LabPlan } from '../../../src/manage/lab/actions.js';
import type { LabExport } from '../../../src/manage/lab/lab.js';
import { judgePlan } from '../../../src/manage/lab/readiness.js';
import type { ExportEntry } from '../../../src/serve/exports/entry.js';
import type { NameFacts, StorageSnapshot } from '../../../src/serve/storage/snapshot.js';
import { surveyStorage } from '../../../src/serve/storage/survey.js';
import { temporaryFolder } from '../../base/temporary.js';
import { backingOf, entryOf } from '../../serve/exports/entries.js';
import { surveyOf } from '../../serve/storage/disks.js';

/** A plan to export each file at an address of its own, judged by what the host says of them. */
function judged(
  files: readonly { file: string; size?: number | undefined }[],
  snapshot: StorageSnapshot,
  entries: ExportEntry[] = [],
): LabPlan {
  const actions = files.map((one, slot) => {
    const address = { shelf: 0, slot };
    const made = { host: 'here', address, implementation: 'native', iface: 'san0', options: {}, ...one };
    return { kind: 'create', host: 'here', id: `e0.${slot}`, export: made as unknown as LabExport };
  });
  const plan = { lab: 'd6', actions, troubles: [], warnings: [] } as unknown as LabPlan;
  const storage = { snapshot, cwd: '/', ours: new Set([process.pid]), ourLoops: new Set<string>() };
  return judgePlan(plan, new Map([['here', { storage, entries }]]));
}

/** What this machine says of files, some of it changed. */
async function surveyWith(
  changes: readonly (readonly [file: string, change?: (facts: NameFacts) => Partial<NameFacts>])[],
): Promise<StorageSnapshot> {
  const snapshot = await surveyStorage(
    here,
    changes.map(([file]) => file),
  );
  const changed = changes.map(([file, change]): [string, NameFacts] => {
    const facts = snapshot.names.get(file) as NameFacts;
    return [file, { ...facts, ...change?.(facts) }];
  });
  return { ...snapshot, names: new Map(changed) };
}

const readOnly = ({ folder }: NameFacts) => ({ writable: false, folder: { ...folder, writable: false } });
const onFat = ({ room }: NameFacts) => ({ room: room && { ...room, type: 'msdos' } });

test('D6: what would fail of its file is told by the plan with a way out, and the others are planned', async (t) => {
  const folder = await temporaryFolder(t);
  await here.write(join(folder, 'odd'), Buffer.alloc(1_000_001));
  for (const name of ['good', 'sealed']) await here.write(join(folder, name), Buffer.alloc(1024));
  await here.write(join(folder, 'image'), Buffer.from(`QFI\xfb${'\0'.repeat(1020)}`, 'latin1'));
  await link(join(folder, 'good'), join(folder, 'hard'));
  const cases: [
    file: string,
    size: number | undefined,
    says?: RegExp,
    next?: RegExp,
    change?: (facts: NameFacts) => Partial<NameFacts>,
  ][] = [
    ['good', undefined],
    ['new', 1 << 20],
    ['absent', undefined, /there is no such file/, /give size:/],
    ['nodir/new', 1 << 20, /there is no folder .*nodir/, /make the folder first/],
    ['odd', undefined, /not a whole number of 512-byte sectors/, /give length: 1953/],
    ['/dev/aoe-lab-not-there', 1 << 20, /there is no such device/, /a file below \/dev is never made/],
    ['new513', 513, /513 bytes are not a whole number of 512-byte sectors/, /such as 1024/],
    ['shut', 1 << 20, /nothing can be made in .*: it is read-only/, /another folder/, readOnly],
    ['sealed', undefined, /can't be written: it lies on a read-only/, /give readOnly: to export/, readOnly],
    ['large', 5 * 2 ** 30, /\(msdos\) holds files of up to 4\.0 GiB/, /take a smaller size:/, onFat],
    ['good', 2048, /it is there already, with 1 KiB/, /leave size: out/],
    // A4, A9
    ['hard', undefined, /it is exported as e0\.0@san0/, /allow: \[exported\]/],
    ['image', undefined, /it holds qcow2/, /qemu-img convert .* allow: \[container\]/],
  ];
  const named = cases.map(
    ([name, ...rest]) => [name.startsWith('/') ? name : join(folder, name), ...rest] as const,
  );
  const snapshot = await surveyWith(named.map(([file, , , , change]) => [file, change] as const));
  const plan = judged(
    named.map(([file, size]) => ({ file, size })),
    snapshot,
  );
  t.deepEqual(
    plan.actions.map(({ id }) => id),
    ['e0.0', 'e0.1'],
  );
  const failing = cases.flatMap(([, , says, next], slot) => (says && next ? [{ says, next, slot }] : []));
  t.is(plan.troubles.length, failing.length);
  for (const [index, { says, next, slot }] of failing.entries()) {
    t.is(plan.troubles[index]?.id, `e0.${slot}`);
    t.regex(plan.troubles[index]?.happened ?? '', says);
    t.regex(plan.troubles[index]?.next ?? '', next);
  }
});

test('D6, A15: a file system that has no room for what a plan makes is told, and it is planned', async (t) => {
  const folder = await temporaryFolder(t);
  const files = ['a', 'b'].map((name) => ({ file: join(folder, name), size: 1 << 20 }));
  const narrow = ({ room }: NameFacts) => ({ room: room && { ...room, free: 1.5 * 2 ** 20 } });
  const plan = judged(files, await surveyWith(files.map(({ file }) => [file, narrow] as const)));
  t.is(plan.actions.length, 2);
  t.like(plan.warnings, [{ host: 'here', id: 'e0.1' }]);
  t.regex(
    plan.warnings[0]?.text ?? '',
    /^1 MiB of it are not allocated yet, and 2 MiB with those of e0\.0@san0, .* has 1\.5 MiB free/,
  );
});

test('A1: a lab is told that a number may be another disk, and which name stays; D6: a disk has its size', (t) => {
  const files = ['sda', 'disk/by-id/wwn-1', 'sda2', 'sdd1'];
  const wanted = files.map((name) => ({ file: `/dev/${name}`, size: name === 'sdd1' ? 1 << 20 : undefined }));
  const told = ([only]: typeof wanted) => judged(only === undefined ? [] : [only], surveyOf(files));
  const [number, name, none, sized] = wanted.map((one) => told([one]));
  t.is(
    number?.warnings[0]?.text,
    '/dev/sda may be another disk after a reboot: /dev/disk/by-id/wwn-1 is exported, which stays with this one',
  );
  t.deepEqual([name?.actions.length, name?.warnings], [1, []]);
  t.regex(none?.warnings[0]?.text ?? '', /no name that stays: it is started only while it is the same/);
  t.deepEqual(sized?.actions, []);
  t.like(sized?.troubles, [
    { happened: '/dev/sdd1: it is a block device, whose size is given', next: 'leave size: out' },
  ]);
});

test('A4: a disk is not planned beside exports of its partitions, nor by another name of it', (t) => {
  const files = ['sda', 'sda1', 'sda2', 'disk/by-id/wwn-1'];
  const entry = (name: string) =>
    entryOf({ slot: 9, backing: backingOf({ kind: 'device', path: `/dev/${name}`, size: 1 << 30 }) });
  const clash = (name: string, ...there: string[]) =>
    judged([{ file: `/dev/${name}` }], surveyOf(files), there.map(entry)).troubles.map(
      ({ happened }) => happened,
    );
  for (const [name, there] of [
    ['sda', 'sda1'],
    ['sda1', 'sda'],
    ['disk/by-id/wwn-1', 'sda'],
    ['sda2', 'disk/by-id/wwn-1'],
  ] as const) {
    t.deepEqual(clash(name, there), [`/dev/${name}: it is exported as e0.9@eth0`]);
  }
  t.deepEqual(clash('sda2', 'sda1'), []);
});

test('D6: a daemon is not planned to be started again, or given another export, while a name of its others is another disk', (t) => {
  const control = { shape: 'daemon' } as unknown as ExportEntry['control'];
  const entry = (slot: number, path: string, part: Partial<ExportEntry> = {}): ExportEntry => ({
    ...entryOf({ slot, implementation: 'native', release: '1', iface: 'san0', control }),
    backing: backingOf({ kind: 'device', path: `/dev/${path}`, size: 1 << 30 }),
    ...part,
  });
  const former = {
    kind: 'device',
    bootId: 'earlier',
    block: 'sdz',
    size: 1 << 20,
    facts: { wwid: 'naa.9' },
  } as const;
  const wwn = backingOf({ kind: 'device', path: '/dev/disk/by-id/wwn-1', size: 1 << 20, identity: former });
  const [own, other] = [entry(0, 'sde1'), entry(1, 'disk/by-id/wwn-1', { backing: wwn })];
  const storage = {
    snapshot: surveyOf(['sde1', 'sdd1', 'disk/by-id/wwn-1']),
    ...{ cwd: '/', ours: new Set<number>(), ourLoops: new Set<string>() },
  };
  const plan = (
    kind: 'restart' | 'create',
    slot: number,
    entries: ExportEntry[],
    part: object = {},
  ): LabPlan => {
    const made = {
      ...{ host: 'here', address: { shelf: 0, slot }, implementation: 'native', iface: 'san0', options: {} },
      ...{ file: '/dev/sdd1', ...part },
    };
    const action = { kind, host: 'here', id: `e0.${slot}@san0`, export: made };
    const all = { lab: 'd6', actions: [action], troubles: [], warnings: [] } as unknown as LabPlan;
    return judgePlan(all, new Map([['here', { storage, entries }]]));
  };
  const says = ({ actions, troubles }: LabPlan) => [actions.length, troubles[0]?.happened ?? ''] as const;
  for (const [kind, slot, words] of [
    ['restart', 0, /serves others as well, and is not restarted/],
    ['create', 2, /has other exports, which it would serve as well/],
  ] as const) {
    const [count, happened] = says(plan(kind, slot, [own, other]));
    t.is(count, 0, kind);
    t.regex(happened, words);
    t.regex(happened, /wwn-1 is another disk/);
    // Its own daemon, one of another release, and one that serves nothing else hold up nobody.
    const apart: Partial<ExportEntry>[] = [{ release: '2' }, { persist: true }, { held: 'it is away' }];
    for (const part of apart)
      t.deepEqual(says(plan(kind, slot, [own, { ...other, ...part }], { release: '1' })), [1, '']);
    t.deepEqual(says(plan(kind, slot, [own])), [1, '']);
  }
});

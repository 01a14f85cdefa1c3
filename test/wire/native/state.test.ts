import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import type { ConfigFrame, Frame, MaskFrame, ReserveFrame } from '../../../src/wire/aoe/index.js';
import {
  decodeState,
  encodeState,
  MAX_MASKS,
  NO_STATE,
  type TargetState,
} from '../../../src/wire/native/state.js';
import { StateStore } from '../../../src/wire/native/state-store.js';
import { temporaryFolder } from '../../base/temporary.js';
import { ADDRESS, ata, config, mask, OTHERS, OURS, reserve, THEIRS, table } from './bench-top.js';

const ADD = 1;
const DELETE = 2;
const EDIT = 1;

function asConfig(frame: Frame | undefined): ConfigFrame {
  if (frame?.kind !== 'config') throw new Error(`no config answer but ${frame?.kind}`);
  return frame;
}
function asMask(frame: Frame | undefined): MaskFrame {
  if (frame?.kind !== 'mask') throw new Error(`no mask answer but ${frame?.kind}`);
  return frame;
}
function asReserve(frame: Frame | undefined): ReserveFrame {
  if (frame?.kind !== 'reserve') throw new Error(`no reserve answer but ${frame?.kind}`);
  return frame;
}

test('config: an unknown subcommand and a string longer than 1024 bytes are bad arguments', async (t) => {
  const bench = table();
  for (const ccmd of [5, 15]) {
    const [answer] = await bench.ask(config(ccmd));
    t.like(answer?.header, { flags: 0xc, error: 2 });
  }
  const [long] = await bench.ask(config(3, 'x'.repeat(1025)));
  t.like(long?.header, { flags: 0xc, error: 2, command: 1 });
  t.is(bench.served.target.state.configString.length, 0);
});

test('config: an answer tells buffers, sectors a frame, version and subcommand', async (t) => {
  const [answer] = await table({ bufferCount: 12 }).ask(config(0));
  t.like(asConfig(answer).config, { bufferCount: 12, sectorCount: 2, version: 1, ccmd: 0, firmware: 1 });
});

test('config: set takes a first string, error 4 keeps it, force set replaces and clears it', async (t) => {
  const bench = table();
  const [set] = await bench.ask(config(3, 'first'));
  t.is(asConfig(set).config.string.toString(), 'first');
  const [refused] = await bench.ask(config(3, 'second'));
  t.like(refused?.header, { flags: 0xc, error: 4 });
  t.is(asConfig(refused).config.string.toString(), 'first');
  const [repeated] = await bench.ask(config(3, 'first'));
  t.like(repeated?.header, { flags: 8, error: 0 });
  const [forced] = await bench.ask(config(4, 'second'));
  t.is(asConfig(forced).config.string.toString(), 'second');
  const [cleared] = await bench.ask(config(4, ''));
  t.is(asConfig(cleared).config.string.length, 0);
});

test('config: a test that does not hold is not answered, one that holds is', async (t) => {
  const bench = table({ state: { ...NO_STATE, configString: Buffer.from('boot:root') } });
  for (const [ccmd, string, answers] of [
    [1, 'boot:root', 1],
    [1, 'boot', 0],
    [1, '', 0],
    [2, 'boot', 1],
    [2, '', 1],
    [2, 'boot:root', 1],
    [2, 'boot:root2', 0],
    [2, 'root', 0],
  ] as const) {
    t.is((await bench.ask(config(ccmd, string))).length, answers, `${ccmd} "${string}"`);
  }
});

test('masks: only those on the list are heard, whatever they ask', async (t) => {
  const bench = table();
  const [added] = await bench.ask(mask(EDIT, [{ dcmd: ADD, mac: THEIRS }]));
  t.deepEqual(asMask(added).mask, { mcmd: EDIT, merror: 0, directives: [{ dcmd: 0, mac: THEIRS }] });
  t.deepEqual(await bench.ask(config(0, '', { from: OTHERS }), ata(0xec, 0, { from: OTHERS })), []);
  t.is((await bench.ask(config(0))).length, 1);
  const [gone] = await bench.ask(mask(EDIT, [{ dcmd: DELETE, mac: THEIRS }]));
  t.deepEqual(asMask(gone).mask.directives, []);
  t.is((await bench.ask(config(0, '', { from: OTHERS }))).length, 1);
});

test('masks: an unknown directive stops the edit, those before it stay', async (t) => {
  const bench = table();
  const directives = [
    { dcmd: ADD, mac: THEIRS },
    { dcmd: 0, mac: 0 },
    { dcmd: 3, mac: OTHERS },
    { dcmd: ADD, mac: OTHERS },
  ];
  const [answer] = await bench.ask(mask(EDIT, directives));
  t.deepEqual(asMask(answer).mask, { mcmd: EDIT, merror: 2, directives: directives.slice(0, 2) });
  t.deepEqual(bench.served.target.state.masks, [THEIRS]);
});

test(`masks: after ${MAX_MASKS} the list is full`, async (t) => {
  const bench = table({ maxSectors: 17 });
  const macs = Array.from({ length: MAX_MASKS }, (_, index) => THEIRS + 16 * index);
  await bench.ask(
    mask(
      EDIT,
      macs.map((mac) => ({ dcmd: ADD, mac })),
    ),
  );
  t.deepEqual(bench.served.target.state.masks, macs);
  const [again] = await bench.ask(mask(EDIT, [{ dcmd: ADD, mac: THEIRS }]));
  t.is(asMask(again).mask.merror, 0, 'one that is there needs no room');
  const [full] = await bench.ask(
    mask(EDIT, [
      { dcmd: 0, mac: 0 },
      { dcmd: ADD, mac: 1 },
    ]),
  );
  t.deepEqual(asMask(full).mask, { mcmd: EDIT, merror: 3, directives: [{ dcmd: 0, mac: 0 }] });
});

test('masks and reservations: an unknown subcommand is a bad argument', async (t) => {
  const bench = table();
  const answers = await bench.ask(mask(2), reserve(3));
  t.deepEqual(
    answers.map(({ header }) => [header.flags, header.error]),
    [
      [0xc, 2],
      [0xc, 2],
    ],
  );
});

test('reserve: others get error 6 for all but identify, until it is released', async (t) => {
  const bench = table();
  await bench.ask(reserve(1, [THEIRS]));
  const others = { from: OTHERS };
  const answers = await bench.ask(
    ata(0x24, 0x40, others),
    ata(0x34, 0x41, { ...others, data: Buffer.alloc(512, 1) }),
    ata(0xe7, 0, others),
    reserve(1, [OTHERS], others),
    ata(0xec, 0, others),
    config(0, '', others),
    reserve(0, [], others),
  );
  t.deepEqual(answers.map(({ header }) => header.error).sort(), [0, 0, 0, 6, 6, 6, 6]);
  t.is(bench.disk.readUInt32BE(0), 0);
  t.is((await bench.ask(ata(0x24, 0x40)))[0]?.header.error, 0);
  const [forced] = await bench.ask(reserve(2, [OTHERS, OTHERS], others));
  t.deepEqual(asReserve(forced).reserve.macs, [OTHERS]);
  t.is((await bench.ask(ata(0x24, 0x40)))[0]?.header.error, 6);
  await bench.ask(reserve(1, [], others));
  t.is((await bench.ask(ata(0x24, 0x40)))[0]?.header.error, 0);
});

test('state: what can not be kept is not claimed, and does not hold', async (t) => {
  const keeper = {
    kept: NO_STATE,
    keep: async (): Promise<void> => {
      throw new Error('disk full');
    },
  };
  const bench = table({ keeper });
  const answers = await bench.ask(config(3, 'x'), reserve(1, [OURS]), mask(EDIT, [{ dcmd: ADD, mac: OURS }]));
  t.deepEqual(
    answers.map(({ header }) => header.error),
    [3, 3, 0],
  );
  t.is(asMask(answers[2]).mask.merror, 1);
  t.is(bench.served.target.state, NO_STATE);
});

test('state: nobody is told of what has not been kept yet, nor a repeated request of its success', async (t) => {
  const writes: (() => void)[] = [];
  const keeper = {
    kept: NO_STATE,
    keep: (state: TargetState): Promise<void> =>
      new Promise((resolve) => {
        writes.push(() => {
          keeper.kept = state;
          resolve();
        });
      }),
  };
  const bench = table({ keeper });
  const edit = mask(EDIT, [{ dcmd: ADD, mac: THEIRS }]);
  const changes = [
    config(4, 'new'),
    config(3, 'new'),
    edit,
    edit,
    reserve(1, [THEIRS]),
    reserve(1, [THEIRS]),
  ];
  const answers = bench.ask(...changes, config(0), mask(0), reserve(0));
  await new Promise((resolve) => setImmediate(resolve));
  t.is(bench.sent.length, 0);
  for (const write of writes) write();
  t.deepEqual(
    (await answers).map(({ header }) => header.error),
    new Array(9).fill(0),
  );
});

const mac = fc.integer({ min: 0, max: 2 ** 48 - 1 });
const states: fc.Arbitrary<TargetState> = fc.record({
  configString: fc.uint8Array({ maxLength: 1024 }).map((bytes) => Buffer.from(bytes)),
  masks: fc.uniqueArray(mac, { maxLength: 20 }),
  reservation: fc.uniqueArray(mac, { maxLength: 20 }),
});

test('state: any survives being written and read', (t) => {
  fc.assert(fc.property(states, (state) => t.deepEqual(decodeState(encodeState(state)), state) || true));
});

test('state: after any sequence of changes the file says what the last answer said', async (t) => {
  const folder = await temporaryFolder(t);
  const store = new StateStore(folder);
  const { state, keeper } = await store.open(ADDRESS, '/disk');
  t.deepEqual(state, NO_STATE);
  const change = fc.oneof(
    fc.string({ maxLength: 40 }).map((text) => config(4, text)),
    fc.array(mac, { maxLength: 3 }).map((macs) => reserve(2, macs)),
    fc
      .record({ dcmd: fc.integer({ min: 0, max: 2 }), mac: fc.constant(THEIRS) })
      .map((one) => mask(EDIT, [one])),
  );
  const bench = table({ keeper });
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 6 }), async (changes) => {
      t.is((await bench.ask(...changes)).length, changes.length);
      const { state: kept } = await store.open(ADDRESS, '/disk');
      t.deepEqual(kept, bench.served.target.state);
    }),
    { numRuns: 30 },
  );
  t.is((await readdir(folder)).length, 1, 'no half written file is left');
});

test('state: a file that can not be read is named, not ignored', async (t) => {
  const folder = await temporaryFolder(t);
  const store = new StateStore(folder);
  const { keeper } = await store.open(ADDRESS, '/disk');
  await keeper.keep({ ...NO_STATE, reservation: [OURS] });
  const [name] = await readdir(folder);
  const file = join(folder, name as string);
  t.regex(await readFile(file, 'utf8'), /02:00:00:00:00:01/);
  await writeFile(file, 'torn');
  await t.throwsAsync(store.open(ADDRESS, '/disk'), { message: /e7\.3/ });
  t.deepEqual((await store.open(ADDRESS, '/other')).state, NO_STATE);
  await store.retain([]);
  t.deepEqual(await readdir(folder), []);
});

test('state: to forget others takes nothing of what is being written, and clears up after a killed process', async (t) => {
  const folder = await temporaryFolder(t);
  const store = new StateStore(folder);
  const { keeper } = await store.open(ADDRESS, '/disk');
  await keeper.keep({ ...NO_STATE, reservation: [OURS] });
  const [name] = (await readdir(folder)) as [string];
  await writeFile(join(folder, `${name}.1-0a1b2c3d.tmp`), 'half');
  await writeFile(join(folder, 'e9.9-0a1b2c3d.json'), '{}');
  for (let round = 0; round < 50; round++) {
    const kept = keeper.keep({ ...NO_STATE, reservation: [OURS, OTHERS + round] });
    await Promise.all([kept, store.retain([{ address: ADDRESS, path: '/disk' }])]);
  }
  t.deepEqual(await readdir(folder), [name]);
});

test('state: what an earlier version kept by the path is known by the name that stays', async (t) => {
  const folder = await temporaryFolder(t);
  const earlier = await new StateStore(folder).open(ADDRESS, '/dev/loop3');
  await earlier.keeper.keep({ ...NO_STATE, masks: [OURS] });
  const store = new StateStore(folder);
  const named = { address: ADDRESS, path: '/srv/disk on san0', formerly: '/dev/loop3' };
  await store.retain([named]);
  t.deepEqual((await store.open(ADDRESS, named.path)).state.masks, [OURS]);
  // What is kept by its own name is newer than what lies there by the old one.
  const other = await store.open(ADDRESS, '/dev/loop3');
  await other.keeper.keep({ ...NO_STATE, masks: [OTHERS] });
  await store.retain([named]);
  t.deepEqual((await store.open(ADDRESS, named.path)).state.masks, [OURS]);
  t.is((await readdir(folder)).length, 1);
});

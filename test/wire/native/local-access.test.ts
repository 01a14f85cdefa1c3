/** A locked target lets nobody change over the wire who may use it; whoever runs it can clear that. */
import { join } from 'node:path';
import test from 'ava';
import { AtaCommand, AtaFlag, type Frame, MaskDirectiveCommand } from '../../../src/wire/aoe/index.js';
import { LocalAccess, toldAccess } from '../../../src/wire/native/local-access.js';
import type { Served } from '../../../src/wire/native/served.js';
import { parseSettings } from '../../../src/wire/native/settings.js';
import { NO_STATE, type TargetState } from '../../../src/wire/native/state.js';
import { StateStore } from '../../../src/wire/native/state-store.js';
import { temporaryFolder } from '../../base/temporary.js';
import { ADDRESS, ata, config, mask, OTHERS, reserve, THEIRS, table } from './bench-top.js';

const EDIT = 1;
const add = { dcmd: MaskDirectiveCommand.add, mac: OTHERS };
const SHUT: TargetState = {
  configString: Buffer.from('mine'),
  masks: [OTHERS, THEIRS],
  reservation: [OTHERS],
};

const CHANGES: [string, Frame][] = [
  ['a first config string', config(3, 'theirs')],
  ['a config string by force', config(4, 'theirs')],
  ['an addition to the mask list', mask(EDIT, [add])],
  ['a reservation', reserve(1, [OTHERS])],
  ['a reservation by force', reserve(2, [OTHERS])],
];

for (const [what, request] of CHANGES) {
  test(`13: of a locked target ${what} is refused by an answer, and changes nothing`, async (t) => {
    const { served, ask } = table({ locked: true });
    const [answer] = await ask(request);
    t.is(served.target.state, NO_STATE);
    if (answer?.kind === 'mask') t.deepEqual(answer.mask, { mcmd: EDIT, merror: 1, directives: [] });
    else t.like(answer?.header, { flags: 0xc, error: 2 });
    // The same request changes one that is not locked.
    served.target.locked = false;
    await ask(request);
    t.not(served.target.state, NO_STATE);
  });
}

test('13: of a locked target nobody takes away what is set, and what changes nothing is answered as ever', async (t) => {
  const { served, ask } = table({ locked: true, state: { ...SHUT, reservation: [THEIRS] } });
  const { state } = served.target;
  const remove = { dcmd: MaskDirectiveCommand.delete, mac: OTHERS };
  const refused = await ask(config(4, ''), reserve(1, []), reserve(2, []), mask(EDIT, [remove]));
  t.deepEqual(
    refused.map((frame) => (frame.kind === 'mask' ? frame.mask.merror : frame.header.error)),
    [2, 2, 2, 1],
  );
  const same = await ask(
    config(3, 'mine'),
    reserve(1, [THEIRS]),
    mask(EDIT, [add]),
    config(0),
    mask(0),
    reserve(0),
  );
  t.deepEqual(
    same.map(({ header }) => header.error),
    new Array(6).fill(0),
  );
  t.is(served.target.state, state);
});

test('13: a locked target reads and writes as ever', async (t) => {
  const { disk, ask } = table({ locked: true });
  const write = AtaFlag.write | AtaFlag.lba48;
  const answers = await ask(
    ata(AtaCommand.writeSectorsExt, write, { data: Buffer.alloc(512, 7) }),
    ata(AtaCommand.readSectorsExt, AtaFlag.lba48, { lba: 1 }),
  );
  t.deepEqual(
    answers.map(({ header }) => header.error),
    [0, 0],
  );
  t.is(disk[0], 7);
});

function follower(): { access: LocalAccess; lines: string[] } {
  const lines: string[] = [];
  return { access: new LocalAccess((line) => lines.push(line)), lines };
}

/** Resolves when an order has been carried out for good. */
async function kept(served: Served, order: string): Promise<void> {
  while (toldAccess(served).cleared !== order) await new Promise((resolve) => setImmediate(resolve));
}

test('13: an order to clear takes mask list and reservation away once, keeps the config string, and outlives a kill', async (t) => {
  const store = new StateStore(join(await temporaryFolder(t), 'state'));
  const first = await store.open(ADDRESS, '/srv/a');
  await first.keeper.keep(SHUT);
  const bench = table(await store.open(ADDRESS, '/srv/a'));
  const { access } = follower();
  const running = [{ settings: { locked: false, accessCleared: 'order 1' }, served: bench.served }];
  access.apply(running);
  // Before anything is on the disk: who was shut out is served at once.
  t.is((await bench.ask(ata(AtaCommand.readSectorsExt, AtaFlag.lba48)))[0]?.header.error, 0);
  await kept(bench.served, 'order 1');
  const cleared = { masks: [], reservation: [], configString: SHUT.configString, cleared: 'order 1' };
  t.deepEqual((await store.open(ADDRESS, '/srv/a')).state, cleared);
  t.like(toldAccess(bench.served), { masks: [], reservation: [], locked: false, cleared: 'order 1' });

  // What is set later stays, with the same order in the configuration, after a kill as well.
  await bench.ask(reserve(1, [THEIRS]));
  access.apply(running);
  t.deepEqual(bench.served.target.state.reservation, [THEIRS]);
  const after = table(await store.open(ADDRESS, '/srv/a'));
  access.apply([{ settings: { locked: true, accessCleared: 'order 1' }, served: after.served }]);
  t.deepEqual(after.served.target.state.reservation, [THEIRS]);
  t.true(after.served.target.locked);
});

test('13: an order that can not be kept is told once, not claimed, holds in memory, and is tried again', async (t) => {
  let isFull = true;
  const keeper = {
    kept: SHUT,
    keep: async (state: TargetState): Promise<void> => {
      if (isFull) throw new Error('disk full');
      keeper.kept = state;
    },
  };
  const bench = table({ state: SHUT, keeper });
  const { access, lines } = follower();
  const running = [{ settings: { locked: false, accessCleared: 'order 1' }, served: bench.served }];
  for (let round = 0; round < 3; round++) {
    access.apply(running);
    await new Promise((resolve) => setImmediate(resolve));
  }
  t.is(lines.length, 1);
  t.regex(lines[0] ?? '', /e7\.3: .*disk full/);
  t.is(toldAccess(bench.served).cleared, undefined);
  t.deepEqual(bench.served.target.state.masks, []);
  isFull = false;
  access.apply(running);
  await kept(bench.served, 'order 1');
  t.deepEqual(lines.length, 2);
});

test('13: one that two interfaces serve is locked if one of them says so', (t) => {
  const { served } = table();
  const { access } = follower();
  const settings = { locked: false, accessCleared: undefined };
  access.apply([
    { settings: { ...settings, locked: true }, served },
    { settings, served },
  ]);
  t.true(served.target.locked);
  access.apply([{ settings, served }]);
  t.false(served.target.locked);
});

test('settings: locked and accessCleared are read, and what they can not be is a fault', (t) => {
  const faults: string[] = [];
  const one = { shelf: 0, slot: 1, iface: 'eth0', path: '/a' };
  const { exports } = parseSettings(
    {
      exports: [
        { ...one, locked: true, accessCleared: 'x' },
        { ...one, slot: 2, accessCleared: null },
      ],
    },
    faults,
  );
  t.like(exports[0], { locked: true, accessCleared: 'x' });
  t.like(exports[1], { locked: false, accessCleared: undefined });
  t.deepEqual(faults, []);
  parseSettings({ exports: [{ ...one, locked: 1, accessCleared: '' }] }, faults);
  t.is(faults.length, 2);
});

test('settings: what is kept of an export goes by its path or another name, also of one that is not served', (t) => {
  const faults: string[] = [];
  const one = { shelf: 0, slot: 1, iface: 'eth0', path: '/a' };
  const retained = [{ shelf: 0, slot: 3, keptAs: '/c' }];
  const { exports, retained: read } = parseSettings(
    { exports: [one, { ...one, slot: 2, keptAs: '/b' }, { ...one, slot: 4, keptAs: null }], retained },
    faults,
  );
  t.deepEqual(
    exports.map(({ keptAs }) => keptAs),
    ['/a', '/b', '/a'],
  );
  t.deepEqual(read, retained);
  t.deepEqual(faults, []);
  parseSettings({ exports: [{ ...one, keptAs: 1 }], retained: [{ shelf: 0 }] }, faults);
  t.is(faults.length, 2);
});

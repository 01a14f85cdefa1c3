/** What changes something is done for requests that name station, shelf and slot; queries to all are answered. */
import test from 'ava';
import {
  AtaCommand,
  AtaFlag,
  BROADCAST,
  type Frame,
  MaskDirectiveCommand,
} from '../../../src/wire/aoe/index.js';
import { ADDRESS, type AtaWish, ata, config, mask, OTHERS, reserve, table } from './bench-top.js';

const GROUP = 0x0180_c200_0001;
const UNDIRECTED: [string, AtaWish][] = [
  ['to the broadcast address', { to: BROADCAST }],
  ['to a group', { to: GROUP }],
  ['to all shelves', { shelf: 0xffff }],
  ['to all slots', { slot: 0xff }],
  ['to all of all', { to: BROADCAST, shelf: 0xffff, slot: 0xff }],
];
const data = Buffer.alloc(512, 0xee);
const WRITE = AtaFlag.write | AtaFlag.lba48;

const CHANGES: [string, (wish: AtaWish) => Frame][] = [
  ['a write', (wish) => ata(AtaCommand.writeSectorsExt, WRITE, { ...wish, data })],
  ['a 28-bit write', (wish) => ata(AtaCommand.writeSectors, AtaFlag.write, { ...wish, data })],
  ['a mask edit', (wish) => mask(1, [{ dcmd: MaskDirectiveCommand.add, mac: OTHERS }], wish)],
  ['a reservation', (wish) => reserve(1, [OTHERS], wish)],
  ['a reservation by force', (wish) => reserve(2, [OTHERS], wish)],
];

for (const [what, request] of CHANGES) {
  test(`13: ${what} that names no single target changes nothing, is not answered, and is counted`, async (t) => {
    const { served, disk, ask } = table();
    const before = Buffer.from(disk);
    const { state } = served.target;
    for (const [whom, wish] of UNDIRECTED) {
      t.deepEqual(await ask(request(wish)), [], whom);
      t.deepEqual(served.target.state, state, whom);
      t.true(disk.equals(before), whom);
    }
    t.is(served.counters.refused, UNDIRECTED.length);
    t.is((await ask(request({}))).length, 1);
    t.false(disk.equals(before) && served.target.state === state);
  });
}

const COSTLY: [string, (wish: AtaWish) => Frame][] = [
  ['a read', (wish) => ata(AtaCommand.readSectorsExt, 0, wish)],
  ['a verify', (wish) => ata(AtaCommand.verifyExt, 0, wish)],
  ['a flush', (wish) => ata(AtaCommand.flushCache, 0, wish)],
  // As aoecfg does.
  ['setting the config string', (wish) => config(4, 'mine', wish)],
];
for (const [what, request] of COSTLY) {
  test(`13: ${what} is done for one shelf and slot, to the broadcast address as well, and not for all`, async (t) => {
    const { served, ask } = table();
    t.deepEqual(await ask(request({ shelf: 0xffff }), request({ slot: 0xff })), []);
    t.is(served.target.state.configString.length, 0);
    t.is((await ask(request({ to: BROADCAST }))).length, 1);
  });
}

const QUERIES: [string, (wish: AtaWish) => Frame][] = [
  ['the configuration', (wish) => config(0, '', wish)],
  ['a prefix test of the config string', (wish) => config(2, '', wish)],
  ['the mask list', (wish) => mask(0, [], wish)],
  ['the reservation', (wish) => reserve(0, [], wish)],
  ['identify', (wish) => ata(AtaCommand.identifyDevice, 0, wish)],
];
for (const [what, request] of QUERIES) {
  test(`13: who asks all for ${what} is answered`, async (t) => {
    const { ask } = table();
    for (const [whom, wish] of UNDIRECTED) {
      const [answer] = await ask(request(wish));
      t.like(answer?.header, { major: ADDRESS.shelf, minor: ADDRESS.slot, flags: 8 }, whom);
    }
  });
}

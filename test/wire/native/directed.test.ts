/** What changes something is done for requests that name station, shelf and slot; queries to all are answered. */
import test from 'ava';
import {
  AtaCommand,
  AtaFlag,
  BROADCAST,
  type Frame,
  MaskDirectiveCommand,
} from '../../../src/wire/aoe/index.js';
import { ADDRESS, type AtaOptions, ata, config, mask, OTHERS, reserve, table } from './bench-top.js';

const GROUP = 0x0180_c200_0001;
const UNDIRECTED: [string, AtaOptions][] = [
  ['to the broadcast address', { to: BROADCAST }],
  ['to a group', { to: GROUP }],
  ['to all shelves', { shelf: 0xffff }],
  ['to all slots', { slot: 0xff }],
  ['to all of all', { to: BROADCAST, shelf: 0xffff, slot: 0xff }],
];
const data = Buffer.alloc(512, 0xee);
const WRITE = AtaFlag.write | AtaFlag.lba48;

const CHANGES: [string, (envelope: AtaOptions) => Frame][] = [
  ['a write', (envelope) => ata(AtaCommand.writeSectorsExt, WRITE, { ...envelope, data })],
  ['a 28-bit write', (envelope) => ata(AtaCommand.writeSectors, AtaFlag.write, { ...envelope, data })],
  ['a mask edit', (envelope) => mask(1, [{ dcmd: MaskDirectiveCommand.add, mac: OTHERS }], envelope)],
  ['a reservation', (envelope) => reserve(1, [OTHERS], envelope)],
  ['a reservation by force', (envelope) => reserve(2, [OTHERS], envelope)],
];

for (const [what, request] of CHANGES) {
  test(`13: ${what} that names no single target changes nothing, is not answered, and is counted`, async (t) => {
    const { served, disk, ask } = table();
    const before = Buffer.from(disk);
    const { state } = served.target;
    for (const [whom, envelope] of UNDIRECTED) {
      t.deepEqual(await ask(request(envelope)), [], whom);
      t.deepEqual(served.target.state, state, whom);
      t.true(disk.equals(before), whom);
    }
    t.is(served.counters.refused, UNDIRECTED.length);
    t.is((await ask(request({}))).length, 1);
    t.false(disk.equals(before) && served.target.state === state);
  });
}

const COSTLY: [string, (envelope: AtaOptions) => Frame][] = [
  ['a read', (envelope) => ata(AtaCommand.readSectorsExt, 0, envelope)],
  ['a verify', (envelope) => ata(AtaCommand.verifyExt, 0, envelope)],
  ['a flush', (envelope) => ata(AtaCommand.flushCache, 0, envelope)],
  // As aoecfg does.
  ['setting the config string', (envelope) => config(4, 'mine', envelope)],
];
for (const [what, request] of COSTLY) {
  test(`13: ${what} is done for one shelf and slot, to the broadcast address as well, and not for all`, async (t) => {
    const { served, ask } = table();
    t.deepEqual(await ask(request({ shelf: 0xffff }), request({ slot: 0xff })), []);
    t.is(served.target.state.configString.length, 0);
    t.is((await ask(request({ to: BROADCAST }))).length, 1);
  });
}

const QUERIES: [string, (envelope: AtaOptions) => Frame][] = [
  ['the configuration', (envelope) => config(0, '', envelope)],
  ['a prefix test of the config string', (envelope) => config(2, '', envelope)],
  ['the mask list', (envelope) => mask(0, [], envelope)],
  ['the reservation', (envelope) => reserve(0, [], envelope)],
  ['identify', (envelope) => ata(AtaCommand.identifyDevice, 0, envelope)],
];
for (const [what, request] of QUERIES) {
  test(`13: who asks all for ${what} is answered`, async (t) => {
    const { ask } = table();
    for (const [whom, envelope] of UNDIRECTED) {
      const [answer] = await ask(request(envelope));
      t.like(answer?.header, { major: ADDRESS.shelf, minor: ADDRESS.slot, flags: 8 }, whom);
    }
  });
}

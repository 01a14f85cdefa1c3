/** What one export holds leaves room for the others, and invented addresses leave room for initiators (HOSTILE 4). */
import test from 'ava';
import fc from 'fast-check';
import { AtaCommand, buildFrame, parseFrame } from '../../../src/wire/aoe/index.js';
import { MemoryBacking } from '../../../src/wire/native/backing.js';
import { Places } from '../../../src/wire/native/places.js';
import type { Served } from '../../../src/wire/native/served.js';
import { Station } from '../../../src/wire/native/station.js';
import { STRANGERS } from '../../../src/wire/native/strangers.js';
import { UnderWay } from '../../../src/wire/native/under-way.js';
import {
  type AtaOptions,
  ata,
  config,
  MAX_SECTORS,
  mask,
  OURS,
  SECTORS,
  THEIRS,
  table,
} from './bench-top.js';

/** A disk that answers nothing. */
class Stuck extends MemoryBacking {
  readonly #never = new Promise<never>(() => {});

  override read(): Promise<never> {
    return this.#never;
  }

  override flush(): Promise<never> {
    return this.#never;
  }
}

function exportAt(slot: number, isStuck: boolean): Served {
  const bytes = Buffer.alloc(SECTORS * 512);
  const backing = isStuck ? new Stuck(bytes) : new MemoryBacking(bytes);
  return table({ address: { shelf: 7, slot }, backing }).served;
}

const FORGED = Array.from({ length: 70 }, (_, index) => 0x02_00_00_00_10_00 + index);
const turn = () => new Promise((resolve) => setImmediate(resolve));

for (const [what, isFamiliar] of [
  ['that are heard for the first time', false],
  ['that were heard before', true],
] as const) {
  test(`HOSTILE 4: flushes and verifies of 70 addresses ${what} at stuck disks leave another disk as it was`, async (t) => {
    const good = exportAt(100, false);
    const stuck = Array.from({ length: 8 }, (_, slot) => exportAt(slot, true));
    const sent: Buffer[] = [];
    const port = { mac: OURS, maxSectors: MAX_SECTORS, isFamiliar: () => isFamiliar };
    const station = new Station(port, (frame) => sent.push(Buffer.from(frame)) > 0);
    station.served = [good, ...stuck];
    const ask = (command: number, envelope: AtaOptions): void =>
      station.handle(buildFrame(ata(command, 0, envelope)));
    for (const round of [1, 2]) {
      for (const { target } of stuck) {
        for (const from of FORGED) {
          for (let tag = 0; tag < 64; tag++) {
            const command = tag % 2 === 0 ? AtaCommand.flushCache : AtaCommand.verify;
            ask(command, { from, slot: target.address.slot, tag: 1000 * round + tag });
          }
        }
      }
    }
    await turn();
    t.is(sent.length, 0);
    const own = { from: THEIRS, slot: 100 };
    for (const command of [AtaCommand.flushCache, AtaCommand.identifyDevice, AtaCommand.verify]) {
      ask(command, { ...own, tag: command });
    }
    station.handle(buildFrame(config(0, '', own)));
    station.handle(buildFrame(config(3, 'mine', own)));
    for (let turns = 0; turns < 20; turns++) await turn();
    const answers = sent.map((bytes) => parseFrame(bytes));
    t.deepEqual(
      answers.map(({ header, kind }) => [kind, header?.minor, header?.error]).sort(),
      ['ata', 'ata', 'ata', 'config', 'config'].map((kind) => [kind, 100, 0]),
    );
  });
}

test('HOSTILE 4: edits of a mask list that can not be kept are bounded as flushes are', async (t) => {
  const keeper = { kept: table().served.keeper.kept, keep: () => new Promise<never>(() => {}) };
  const { served, station } = table({ keeper });
  for (const from of FORGED) {
    for (let tag = 0; tag < 64; tag++) {
      station.handle(buildFrame(mask(0, [], { from, tag })));
      station.handle(buildFrame(config(4, `${from} ${tag}`, { from, tag: 64 + tag })));
    }
  }
  t.true(station.underWay > 100 && station.underWay <= 256, `${station.underWay}`);
  t.true(served.counters.unsent > 0);
});

test('HOSTILE 4: who takes a new address for each request fills no export for those who were heard before', (t) => {
  const underWay = new UnderWay((mac) => (mac === THEIRS ? mac : STRANGERS));
  const one = exportAt(1, true);
  const other = exportAt(2, true);
  for (let mac = 1; mac <= 5000; mac++) underWay.begin(one, mac);
  const places = Array.from({ length: 64 }, () => underWay.begin(one, THEIRS));
  t.false(places.includes(undefined));
  t.truthy(underWay.begin(other, 6000));
  for (const end of places) end?.();
  t.is(underWay.count, 513);
});

test('HOSTILE 4: whatever some others took, one who holds nothing finds a place', (t) => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 300 }), (keys) => {
      const places = new Places<number>(64);
      for (const key of keys) if (places.hasRoom(key)) places.take(key);
      t.true(places.hasRoom(99), `${places.taken}`);
      return places.taken < 64;
    }),
  );
});

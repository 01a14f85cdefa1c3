/** A frame that asks all exports costs an answer each: those that ask one alone do not wait for it (HOSTILE 4). */
import test from 'ava';
import fc from 'fast-check';
import { AtaCommand, BROADCAST, buildFrame, type Frame, parseFrame } from '../../../src/wire/aoe/index.js';
import { MemorySegment } from '../../../src/wire/link/memory.js';
import { MemoryBacking } from '../../../src/wire/native/backing.js';
import { Medium } from '../../../src/wire/native/medium.js';
import { Rates } from '../../../src/wire/native/rates.js';
import { serveTargets } from '../../../src/wire/native/serve.js';
import { Station } from '../../../src/wire/native/station.js';
import { NativeTarget } from '../../../src/wire/native/target.js';
import { ata, config, MAX_SECTORS, OTHERS, OURS, SECTORS, THEIRS, table } from './bench-top.js';

const EXPORTS = 254;
const SLOTS = Array.from({ length: EXPORTS }, (_, slot) => slot);

function setUp(isFamiliar = (_mac: number): boolean => true) {
  const clock = { now: 0 };
  const sent: Buffer[] = [];
  const port = { mac: OURS, maxSectors: MAX_SECTORS, isFamiliar };
  const station = new Station(
    port,
    (frame) => sent.push(Buffer.from(frame)) > 0,
    () => clock.now,
  );
  // One disk of all: a disk each would cost more than the test.
  const { served } = table();
  station.served = SLOTS.map((slot) => ({
    ...served,
    target: new NativeTarget({ address: { shelf: 7, slot } }, SECTORS),
    medium: new Medium(),
  }));
  const handle = (frame: Frame): void => station.handle(buildFrame(frame));
  const answers = () => sent.splice(0).map((bytes) => parseFrame(bytes) as Frame);
  return { clock, station, handle, answers, sent };
}

const toAll = { to: BROADCAST, shelf: 0xffff, slot: 0xff };
const query = (from: number): Frame => config(0, '', { ...toAll, from });
const identify = (from: number): Frame => ata(AtaCommand.identifyDevice, 0, { ...toAll, from });

test('HOSTILE 4: a request to one export is answered before the rest of a request to all', async (t) => {
  const { station, handle, answers } = setUp();
  handle(query(OTHERS));
  t.is(answers().length, 0);
  t.true(station.goOn());
  const few = answers().length;
  t.true(few > 0 && few <= 8, `${few}`);
  handle(config(0, '', { from: THEIRS, slot: 5 }));
  const [own, ...more] = answers();
  t.is(own?.ethernet.destination, THEIRS);
  t.is(more.length, 0);
  while (station.goOn()) {}
  t.deepEqual(
    answers()
      .map(({ header }) => header.minor)
      .sort((a, b) => a - b),
    SLOTS.slice(few),
  );
  await station.idle();
});

for (const [what, ask] of [
  ['queries', query],
  ['identifies', identify],
] as const) {
  test(`HOSTILE 4: 500 ${what} to all a second of one station cost few answers, and another station's are answered in full`, async (t) => {
    const { clock, station, handle, answers } = setUp();
    const counts = new Map<number, number>();
    for (; clock.now < 10_000; clock.now++) {
      if (clock.now % 2 === 0) handle(ask(OTHERS));
      if (clock.now % 2500 === 1) handle(ask(THEIRS));
      station.goOn();
      // Some answers wait for the file.
      if (clock.now % 4 === 3) await new Promise((resolve) => setImmediate(resolve));
      for (const { ethernet } of answers()) {
        counts.set(ethernet.destination, (counts.get(ethernet.destination) ?? 0) + 1);
      }
    }
    t.is(counts.get(THEIRS), 4 * EXPORTS);
    // What is there after a rest, and 2,048 a second.
    t.true((counts.get(OTHERS) ?? 0) <= 4096 + 10 * 2048 + EXPORTS, `${counts.get(OTHERS)}`);
  });
}

test('HOSTILE 4: stations that take a new address for each request to all leave room for those that were heard before', (t) => {
  const { clock, station, handle, answers } = setUp((mac) => mac === THEIRS);
  let invented = 0x02_00_01_00_00_00;
  let own = 0;
  for (; clock.now < 5000; clock.now++) {
    handle(query(invented++));
    if (clock.now % 1000 === 999) handle(query(THEIRS));
    station.goOn();
    own += answers().filter(({ ethernet }) => ethernet.destination === THEIRS).length;
  }
  while (station.goOn()) own += answers().filter(({ ethernet }) => ethernet.destination === THEIRS).length;
  own += answers().filter(({ ethernet }) => ethernet.destination === THEIRS).length;
  t.is(own, 5 * EXPORTS);
});

test('HOSTILE 4: what waits is bounded, and of exports that are taken away meanwhile nothing is asked', async (t) => {
  const { station, handle, answers } = setUp();
  for (let number = 0; number < 1000; number++) handle(query(0x02_00_01_00_00_00 + number));
  station.served = station.served.slice(0, 1);
  let steps = 0;
  while (station.goOn()) steps++;
  await station.idle();
  t.true(steps <= 64 * Math.ceil(EXPORTS / 4), `${steps}`);
  t.true(answers().length <= 64);
});

test('HOSTILE 4: a link of any kind answers requests to all in full', async (t) => {
  const hub = new MemorySegment();
  const [ours, theirs] = [hub.join(OURS), hub.join(THEIRS)];
  const backing = () => new MemoryBacking(Buffer.alloc(512));
  const server = await serveTargets(
    ours,
    SLOTS.slice(0, 40).map((slot) => ({ address: { shelf: 7, slot }, backing: backing() })),
  );
  const slots = new Set<number>();
  const all = new Promise<void>((resolve) => {
    theirs.onFrame = (bytes) => {
      const { header } = parseFrame(bytes);
      if (header?.tag === 0x1234_5678) slots.add(header.minor);
      if (slots.size === 40) resolve();
    };
  });
  theirs.send(buildFrame(query(THEIRS)));
  await all;
  await server.close();
  t.is(slots.size, 40);
});

test('a rate gives no more than what is there after a rest and what comes in time, whatever is asked', (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 0, max: 400 }), fc.integer({ min: 1, max: 9 })), {
        maxLength: 200,
      }),
      (asked) => {
        let now = 0;
        const rates = new Rates<string>(20, 10, () => now);
        let taken = 0;
        for (const [pause, count] of asked) {
          now += pause;
          const wait = rates.wait('a');
          const isTaken = rates.take('a', count);
          t.is(isTaken, wait === 0);
          if (isTaken) taken += count;
        }
        return taken <= 20 + now / 100 + 9;
      },
    ),
  );
});

test('of keys without number not all are remembered, and those that rest are forgotten', (t) => {
  let now = 0;
  const rates = new Rates<number>(1, 1, () => now);
  for (let key = 0; key < 255; key++) t.true(rates.take(key));
  for (const key of [1000, 1001]) t.true(rates.take(key));
  t.false(rates.take(1002), 'one key with 1001');
  now = 5000;
  for (const key of [1001, 1002]) t.true(rates.take(key));
});

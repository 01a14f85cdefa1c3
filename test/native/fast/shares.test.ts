/** Fair shares of the process among stations (HOSTILE 4), on a simulated wire. */
import test from 'ava';
import fc from 'fast-check';
import { NO_QUOTAS, type Quotas } from '../../../src/link/own-vlan.js';
import { Shares } from '../../../src/native/fast/shares.js';

/** Of a station number: the words of a frame that hold its source, and its address. */
function station(number: number): { middle: number; source: number; mac: number } {
  const bytes = Buffer.alloc(6);
  bytes.writeUIntBE(0x02_00_00_00_00_00 + number, 0, 6);
  return {
    middle: (bytes.readUInt16LE(0) << 16) >>> 0,
    source: bytes.readUInt32LE(2),
    mac: 0x02_00_00_00_00_00 + number,
  };
}

interface Sender {
  /** Of its station; undefined: another one for each frame. */
  number: number | undefined;
  /** Frames it sends in 10 ms, given how many of its last ones were answered. */
  wish(answered: number): number;
}

/** Frames of a span that can be handled, and what each takes. */
const CAPACITY = 200;
const COST = 10 / CAPACITY;

/**
 * @param capacity frames that can be handled in a span
 * @returns frames of each sender that were answered in the last of the spans, and the quotas then
 */
function simulate(
  senders: readonly Sender[],
  spans: number,
  capacity = (_span: number): number => CAPACITY,
): { answered: number[]; quotas: Quotas } {
  const shares = new Shares(0);
  let quotas = NO_QUOTAS;
  let invented = 1_000_000;
  const carried = senders.map(() => 0);
  let answered = senders.map(() => 1);
  for (let span = 1; span <= spans; span++) {
    const now = 10 * span;
    const passed = senders.map(({ number, wish }, index) => {
      const named = quotas.stations.find(({ mac }) => number !== undefined && mac === station(number).mac);
      const part = named?.part ?? quotas.others;
      // What is not a whole frame passes with a later one.
      carried[index] = (carried[index] as number) + wish(answered[index] as number) * part;
      const whole = Math.floor(carried[index] as number);
      carried[index] = (carried[index] as number) - whole;
      return whole;
    });
    const all = passed.reduce((sum, count) => sum + count, 0);
    const fits = Math.min(1, capacity(span) / Math.max(1, all));
    answered = passed.map((count) => Math.floor(count * fits));
    // In the order in which they would come: mixed.
    for (let turn = 0; turn < Math.max(...answered); turn++) {
      for (const [index, { number }] of senders.entries()) {
        if (turn >= (answered[index] as number)) continue;
        const { middle, source } = station(number ?? invented++);
        shares.spend(middle, source, COST);
      }
    }
    const lost = all - answered.reduce((sum, count) => sum + count, 0);
    if (shares.isDue(true, now)) quotas = shares.reckon(lost, now) ?? quotas;
    // The span after a change tells nothing; the next one does.
  }
  return { answered, quotas };
}

const flood = (number: number, frames: number): Sender => ({ number, wish: () => frames });
/** It has so many requests under way, and sends as many as were answered; what is lost it asks for again later. */
const initiator = (number: number, most: number): Sender => ({
  number,
  wish: (answered) => Math.min(most, Math.max(4, 2 * answered)),
});

test('4: nobody is limited while no frame is lost, however much they ask for', (t) => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 }), (frames) => {
      const { quotas, answered } = simulate(
        frames.map((count, number) => flood(number, count)),
        30,
      );
      return (
        quotas.stations.length === 0 &&
        quotas.others === 1 &&
        answered.every((count, index) => count === frames[index])
      );
    }),
  );
  t.pass();
});

test('4: an initiator gets most of what it asks for beside stations that flood the wire', (t) => {
  for (const floods of [1, 3, 8]) {
    const senders = [
      initiator(1, 120),
      ...Array.from({ length: floods }, (_, index) => flood(10 + index, 200)),
    ];
    const { answered, quotas } = simulate(senders, 400);
    t.true((answered[0] as number) >= 60, `${floods}: ${answered}`);
    t.false(
      quotas.stations.some(({ mac, part }) => mac === station(1).mac && part < 1),
      JSON.stringify(quotas),
    );
  }
});

test('4: who floods gets no more of it the longer it goes on', (t) => {
  const floods = Array.from({ length: 8 }, (_, index) => flood(10 + index, 200));
  for (const spans of [300, 3000]) {
    const { answered } = simulate([initiator(1, 120), ...floods], spans);
    const theirs = answered.slice(1).reduce((sum, count) => sum + count, 0);
    t.true(theirs < CAPACITY / 10, `${spans}: ${answered}`);
    t.is(answered[0], 120, `${spans}: ${answered}`);
  }
});

test('4: a span in which this process hardly ran is no measure of what it can do', (t) => {
  const floods = Array.from({ length: 8 }, (_, index) => flood(10 + index, 200));
  const pauses = (span: number): number => (span === 50 ? 2 : CAPACITY);
  const { answered } = simulate([initiator(1, 120), ...floods], 80, pauses);
  t.true((answered[0] as number) >= 60, `${answered}`);
});

test('4: who takes a new address for each frame takes nothing from those who were heard before, or were silent', (t) => {
  for (const frames of [400, 1600, 6400]) {
    let span = 0;
    const late = { number: 2, wish: () => (span++ < 10 || span > 200 ? 30 : 0) };
    const spoof = { number: undefined, wish: () => (span > 20 ? frames : 0) };
    const { answered, quotas } = simulate([initiator(1, 120), late, spoof], 220);
    t.deepEqual(answered.slice(0, 2), [120, 30], `${frames}: ${answered}`);
    t.true((answered[2] as number) < CAPACITY / 10, `${frames}: ${answered}`);
    t.true(quotas.others < 0.1, JSON.stringify(quotas));
  }
});

test('4: those who were heard are let pass though they are silent while invented addresses flood', (t) => {
  let span = 0;
  const known = { number: 1, wish: (): number => (span++ < 10 || span > 110 ? 100 : 0) };
  const spoof = { number: undefined, wish: () => (span > 10 ? 1600 : 0) };
  const { answered } = simulate([known, spoof], 111);
  t.is(answered[0], 100);
});

test('4: the limit of strangers ends with the flood', (t) => {
  let span = 0;
  const spoof = { number: undefined, wish: () => (++span > 20 && span < 100 ? 1600 : 0) };
  const { answered, quotas } = simulate([initiator(1, 120), spoof, flood(3, 10)], 1000);
  t.deepEqual([quotas, answered[0], answered[2]], [NO_QUOTAS, 120, 10]);
});

test('4: those who ask for the same get the same', (t) => {
  const { quotas } = simulate([flood(1, 150), flood(2, 150), flood(3, 10)], 30);
  const [one, two, ...more] = quotas.stations;
  t.deepEqual(more, []);
  t.true(Math.abs((one?.part ?? 0) / (two?.part ?? 1) - 1) < 0.2, JSON.stringify(quotas));
});

test('4: limits end with the flood', (t) => {
  let left = 100;
  const stops: Sender = { number: 2, wish: () => (left-- > 0 ? 400 : 0) };
  const { answered, quotas } = simulate([initiator(1, 120), stops], 400);
  t.deepEqual(quotas, NO_QUOTAS);
  t.is(answered[0], 120);
});

test('4: one station alone is not limited, whatever is lost', (t) => {
  t.deepEqual(simulate([flood(1, 1000)], 100).quotas, NO_QUOTAS);
});

test('4: of stations without number no more are limited than the filter holds, and every part is one', (t) => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 2, maxLength: 60 }), (frames) => {
      const { quotas } = simulate(
        frames.map((count, number) => flood(number, count)),
        20,
      );
      const parts = [...quotas.stations.map(({ part }) => part), quotas.others];
      return quotas.stations.length <= 24 && parts.every((part) => part > 0 && part <= 1);
    }),
    { numRuns: 50 },
  );
  t.pass();
});

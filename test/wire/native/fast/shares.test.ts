/** Fair shares of the process among stations (HOSTILE 4), on a simulated wire. */
import test from 'ava';
import fc from 'fast-check';
import { NO_QUOTAS, type Quotas } from '../../../../src/wire/link/own-vlan.js';
import { Shares } from '../../../../src/wire/native/fast/shares.js';

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
  demand(answered: number): number;
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
    const passed = senders.map(({ number, demand }, index) => {
      const named = quotas.stations.find(({ mac }) => number !== undefined && mac === station(number).mac);
      const part = named?.part ?? quotas.others;
      // What is not a whole frame passes with a later one.
      carried[index] = (carried[index] as number) + demand(answered[index] as number) * part;
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

const flood = (number: number, frames: number): Sender => ({ number, demand: () => frames });
/** It has so many requests under way, and sends as many as were answered; what is lost it asks for again later. */
const initiator = (number: number, most: number): Sender => ({
  number,
  demand: (answered) => Math.min(most, Math.max(4, 2 * answered)),
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
    const late = { number: 2, demand: () => (span++ < 10 || span > 200 ? 30 : 0) };
    const spoof = { number: undefined, demand: () => (span > 20 ? frames : 0) };
    const { answered, quotas } = simulate([initiator(1, 120), late, spoof], 220);
    t.deepEqual(answered.slice(0, 2), [120, 30], `${frames}: ${answered}`);
    t.true((answered[2] as number) < CAPACITY / 10, `${frames}: ${answered}`);
    t.true(quotas.others < 0.1, JSON.stringify(quotas));
  }
});

test('4: those who were heard are let pass though they are silent while invented addresses flood', (t) => {
  let span = 0;
  const known = { number: 1, demand: (): number => (span++ < 10 || span > 110 ? 100 : 0) };
  const spoof = { number: undefined, demand: () => (span > 10 ? 1600 : 0) };
  const { answered } = simulate([known, spoof], 111);
  t.is(answered[0], 100);
});

test('4: the limit of strangers ends with the flood', (t) => {
  let span = 0;
  const spoof = { number: undefined, demand: () => (++span > 20 && span < 100 ? 1600 : 0) };
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
  const stops: Sender = { number: 2, demand: () => (left-- > 0 ? 400 : 0) };
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

/** Chance that is the same each time. */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state / 2 ** 32;
  };
}

/** A station that sends at its own pace, millisecond by millisecond. */
interface Paced {
  number: number;
  /** Milliseconds that one of its frames takes. */
  cost: number;
  /** Frames it sends in a millisecond. @param answered of its frames up to now */
  sends(now: number, answered: number): number;
}

/**
 * The wire as a gateway hears it: a ring, looked at each millisecond as long as that takes no longer, and a
 * timer of 250 ms.
 * @returns what each had answered in each second, and what was in force at its end
 */
function runGateway(
  stations: readonly Paced[],
  seconds: number,
  room = 512,
): { answered: number[]; quotas: Quotas; lost: number }[] {
  const random = chance(1);
  const shares = new Shares(0);
  let quotas = NO_QUOTAS;
  const ring: { one: Paced; at: number }[] = [];
  let lost = 0;
  const told: { answered: number[]; quotas: Quotas; lost: number }[] = [];
  let age = 0;
  let lostBefore = 0;
  const answered = stations.map(() => 0);
  const before = stations.map(() => 0);
  let left = 0;
  const look = (now: number): void => {
    if (!shares.isDue(ring.length === 0, now)) return;
    quotas = shares.reckon(lost, now, age) ?? quotas;
    lostBefore += lost;
    lost = 0;
    age = 0;
  };
  for (let now = 1; now <= 1000 * seconds; now++) {
    // They come mixed.
    const passed: { one: Paced; at: number }[] = [];
    for (const [index, one] of stations.entries()) {
      const { part = quotas.others } =
        quotas.stations.find(({ mac }) => mac === station(one.number).mac) ?? {};
      for (let count = one.sends(now, answered[index] as number); count > 0; count--) {
        if (random() < part) passed.push({ one, at: random() });
      }
    }
    for (const { one } of passed.sort((a, b) => a.at - b.at)) {
      if (ring.length < room) ring.push({ one, at: now });
      else lost++;
    }
    left = Math.min(0, left) + 1;
    while (left > 0 && ring.length > 0) {
      const { one, at } = ring.shift() as { one: Paced; at: number };
      age = now - at;
      const { middle, source } = station(one.number);
      shares.spend(middle, source, one.cost);
      left -= one.cost;
      const index = stations.indexOf(one);
      answered[index] = (answered[index] as number) + 1;
    }
    if (shares.wantsLook || now % 250 === 0) look(now);
    if (now % 1000 > 0) continue;
    const news = answered.map((count, index) => count - (before[index] as number));
    told.push({ answered: news, quotas, lost: lostBefore });
    for (const [index, count] of answered.entries()) before[index] = count;
  }
  return told;
}

/** An initiator with so many requests under way, each repeated every so many milliseconds until it is answered, without end. */
function windowed(most: number, cost: number, patience: number): Paced {
  let last = 0;
  let under = 0;
  return {
    number: 1,
    cost,
    sends(now, answered) {
      under = Math.max(0, under - (answered - last));
      last = answered;
      const repeated = now % patience === 0 ? under : 0;
      const fresh = most - under;
      under = most;
      return fresh + repeated;
    },
  };
}

/** The same until the flood ends, at the 8th second; from then on a request every 300 ms. */
function slowLater(most: number, cost: number): Paced {
  const { sends, ...rest } = windowed(most, cost, 50);
  return {
    ...rest,
    sends: (now, answered) => (now > 8000 ? Number(now % 300 === 0) : sends(now, answered)),
  };
}

for (const [what, cost, senders, frames] of [
  ['config sets of one station, 5,000/s', 0.4, 1, 5],
  ['reads of one, 300,000/s', 0.005, 1, 300],
  ['bad requests of eight, 20,000/s each', 0.02, 8, 20],
] as const) {
  test(`HOSTILE 4: a slow initiator is served again within two seconds of a flood's end: ${what}`, (t) => {
    const floods = Array.from({ length: senders }, (_, index) => ({
      number: 10 + index,
      cost,
      sends: (now: number) => (now > 3000 && now <= 8000 ? frames : 0),
    }));
    // One that asks for less than its share, and one that asks for more.
    for (const honest of [slowLater(16, 0.005), slowLater(64, 0.1)]) {
      const told = runGateway([honest, ...floods], 16);
      const text = JSON.stringify(told);
      t.true(
        told.slice(4, 8).some(({ quotas }) => quotas !== NO_QUOTAS),
        text,
      );
      for (const { answered } of told.slice(0, 8)) t.true((answered[0] as number) >= 10, text);
      for (const { answered, quotas } of told.slice(10)) {
        t.true((answered[0] as number) >= 3, text);
        t.deepEqual(quotas, NO_QUOTAS, text);
      }
    }
  });
}

test('HOSTILE 4: an initiator that repeats without end is not taken for a flood once the flood has ended', (t) => {
  const sends = (now: number): number => (now > 1000 && now <= 4000 ? 300 : 0);
  const told = runGateway([windowed(200, 0.005, 20), { number: 10, cost: 0.005, sends }], 12);
  const [first] = told;
  for (const { answered, quotas } of told.slice(8)) {
    t.deepEqual(quotas, NO_QUOTAS, JSON.stringify(told));
    t.true((answered[0] as number) >= 0.9 * (first?.answered[0] as number), JSON.stringify(told));
  }
});

test('HOSTILE 4: who makes others wait is limited though the ring is long, and no frame is lost', (t) => {
  // 500 frames a second of 5 ms each are twice and a half what there is time for.
  const slow = { number: 10, cost: 5, sends: (now: number) => (now > 1000 && now % 2 === 0 ? 1 : 0) };
  const told = runGateway([windowed(8, 0.05, 100), slow], 4, 100_000);
  const [before, , , last] = told.map(({ answered }) => answered[0] as number);
  t.true((last as number) >= (before as number) / 2, JSON.stringify(told));
  t.true(told.every(({ lost }) => lost === 0));
});

test('HOSTILE 4: a flood that nearly fits takes nothing from an initiator either', (t) => {
  for (const frames of [6, 8, 10, 11, 13, 16, 24]) {
    const floods = Array.from({ length: 8 }, (_, index) => ({
      number: 10 + index,
      cost: 0.01,
      sends: (now: number) => (now > 1000 ? frames : 0),
    }));
    const told = runGateway([windowed(16, 0.03, 30), ...floods], 8);
    const [before, ...after] = told.map(({ answered }) => answered[0] as number) as [number, ...number[]];
    const share = after.slice(1).reduce((all, count) => all + count, 0) / (after.length - 1) / before;
    t.true(share >= 0.75, `${frames}: ${before}, ${after}`);
  }
});

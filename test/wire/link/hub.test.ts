import test from 'ava';
import fc from 'fast-check';
import { LabError, UsageError } from '../../../src/base/errors.js';
import { ManualClock } from '../../../src/wire/link/clock.js';
import type { FaultPlan } from '../../../src/wire/link/fault-plan.js';
import { type FaultEvent, FaultyWay } from '../../../src/wire/link/faults.js';
import { Hub } from '../../../src/wire/link/hub.js';
import type { Link } from '../../../src/wire/link/link.js';

const A = 0x02_00_00_00_00_0a;
const B = 0x02_00_00_00_00_0b;
const C = 0x02_00_00_00_00_0c;
const ALL = 0xffff_ffff_ffff;

/** A frame that bears a number. */
function frame(number: number, to = B, from = A): Buffer {
  const bytes = Buffer.alloc(60);
  bytes.writeUIntBE(to, 0, 6);
  bytes.writeUIntBE(from, 6, 6);
  bytes.writeUInt32BE(number, 20);
  return bytes;
}

function heard(link: Link): number[] {
  const numbers: number[] = [];
  link.onFrame = (bytes) => numbers.push(bytes.readUInt32BE(20));
  return numbers;
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

/** Sends frames 1 to `count` through one way with faults and lets all time pass. */
function run(plan: FaultPlan, count: number, seed = 1) {
  const clock = new ManualClock();
  const delivered: number[] = [];
  const frames: Buffer[] = [];
  const events: FaultEvent[] = [];
  const way = new FaultyWay({
    port: 'p',
    way: 'in',
    plan,
    seed,
    clock,
    deliver: (bytes) => {
      delivered.push(bytes.readUInt32BE(20));
      frames.push(Buffer.from(bytes));
    },
    onFault: (event) => events.push(event),
  });
  const shared = Buffer.alloc(60);
  for (let number = 1; number <= count; number++) {
    // The memory of a link is overwritten by the next frame.
    shared.set(frame(number));
    way.offer(shared);
    clock.advance(1);
  }
  clock.advance(10_000);
  return { delivered, frames, events, counts: way.counts, pending: clock.pending };
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

const cases: [title: string, plan: FaultPlan, delivered: number[]][] = [
  ['without faults all pass in order', [], [1, 2, 3, 4, 5, 6]],
  ['exact frames are dropped', [{ fault: 'drop', frames: [2, 5] }], [1, 3, 4, 6]],
  ['a probability of 1 drops all', [{ fault: 'drop', probability: 1 }], []],
  ['a probability of 0 drops none', [{ fault: 'drop', probability: 0 }], [1, 2, 3, 4, 5, 6]],
  ['a fault of the other way does nothing', [{ fault: 'drop', way: 'out' }], [1, 2, 3, 4, 5, 6]],
  ['copies follow one another', [{ fault: 'duplicate', frames: [3], copies: 2 }], [1, 2, 3, 3, 3, 4, 5, 6]],
  ['one that is held back comes behind the next', [{ fault: 'reorder', frames: [2, 4] }], [1, 3, 2, 5, 4, 6]],
  [
    'neighbours that are held back keep their order',
    [{ fault: 'reorder', frames: [2, 3] }],
    [1, 4, 2, 3, 5, 6],
  ],
  ['it waits for several', [{ fault: 'reorder', frames: [1], by: 3 }], [2, 3, 4, 1, 5, 6]],
  ['the last that is held back comes after a while', [{ fault: 'reorder', frames: [6] }], [1, 2, 3, 4, 5, 6]],
  ['a delayed one is overtaken', [{ fault: 'delay', frames: [2], milliseconds: 2.5 }], [1, 3, 4, 2, 5, 6]],
  ['an equal delay of all keeps their order', [{ fault: 'delay', milliseconds: 7 }], [1, 2, 3, 4, 5, 6]],
  [
    'nothing passes from a cut until it is restored',
    [
      { fault: 'cut', frames: [2] },
      { fault: 'restore', frames: [5] },
    ],
    [1, 5, 6],
  ],
  [
    'a cut loses what is on its way',
    [
      { fault: 'delay', milliseconds: 2.5 },
      { fault: 'cut', frames: [4] },
    ],
    [1],
  ],
  [
    'numbers count what the filter lets through',
    [{ fault: 'drop', frames: [2], filter: (bytes) => bytes.readUInt32BE(20) % 2 === 0 }],
    [1, 2, 3, 5, 6],
  ],
  [
    'a frame may meet several faults',
    [{ fault: 'duplicate' }, { fault: 'drop', frames: [1, 2, 3, 4, 5] }],
    [6, 6],
  ],
];
for (const [title, plan, expected] of cases) {
  test(`faults: ${title}`, (t) => {
    const { delivered, counts, pending } = run(plan, 6);
    t.deepEqual(delivered, expected);
    t.is(counts.offered, 6);
    t.is(counts.delivered, expected.length);
    t.is(pending, 0);
  });
}

test('faults: a corrupted frame differs by one bit behind its Ethernet header, and the original is left', (t) => {
  const { frames, counts } = run([{ fault: 'corrupt' }], 50);
  t.is(counts.corrupt, 50);
  for (const [index, bytes] of frames.entries()) {
    const original = frame(index + 1);
    t.deepEqual(bytes.subarray(0, 14), original.subarray(0, 14));
    const bits = [...bytes].map((byte, at) => (byte ^ (original[at] as number)).toString(2));
    t.is(bits.join('').replaceAll('0', ''), '1');
  }
});

const chance = fc.record({ probability: fc.double({ min: 0, max: 1, noNaN: true }) });
const anyFault = fc.oneof(
  chance.map((aim) => ({ ...aim, fault: 'drop' as const })),
  chance.map((aim) => ({ ...aim, fault: 'corrupt' as const })),
  chance.map((aim) => ({ ...aim, fault: 'duplicate' as const })),
  chance.map((aim) => ({ ...aim, fault: 'reorder' as const, by: 2 })),
  chance.map((aim) => ({ ...aim, fault: 'delay' as const, milliseconds: [1, 9] as const })),
);

test('faults: with the same seed the same frames meet the same faults, whatever the plan', (t) => {
  fc.assert(
    fc.property(fc.array(anyFault, { maxLength: 4 }), fc.integer(), (plan, seed) => {
      const [one, two] = [run(plan, 40, seed), run(plan, 40, seed)];
      t.deepEqual(one.events, two.events);
      t.deepEqual(one.delivered, two.delivered);
      t.true(one.frames.every((bytes, index) => bytes.equals(two.frames[index] as Buffer)));
    }),
  );
});

test('faults: copies of a frame that is dropped all the same do not count', (t) => {
  const { counts } = run([{ fault: 'duplicate' }, { fault: 'drop', frames: [2] }], 3);
  t.like(counts, { offered: 3, delivered: 4, drop: 1, duplicate: 2 });
});

test('faults: nothing is invented, and what is missing or repeated is counted', (t) => {
  fc.assert(
    fc.property(fc.array(anyFault, { maxLength: 4 }), fc.integer(), (plan, seed) => {
      // A bit turned over in the number would make another frame of it.
      const sound = plan.filter(({ fault }) => fault !== 'corrupt');
      const { delivered, counts } = run(sound, 40, seed);
      t.is(delivered.length, counts.delivered);
      t.is(new Set(delivered).size, 40 - counts.drop);
      t.is(counts.delivered, 40 - counts.drop + counts.duplicate);
      t.true(delivered.every((number) => number >= 1 && number <= 40));
    }),
  );
});

test('faults: order is kept where nothing delays or reorders', (t) => {
  fc.assert(
    fc.property(fc.array(anyFault, { maxLength: 4 }), fc.integer(), (plan, seed) => {
      const orderly = plan.filter(({ fault }) => fault === 'drop' || fault === 'duplicate');
      const { delivered } = run(orderly, 40, seed);
      t.deepEqual(
        delivered,
        [...delivered].sort((a, b) => a - b),
      );
    }),
  );
});

test('faults: a probability hits about as many frames as it says, others with another seed', (t) => {
  const [one, two] = [1, 2].map((seed) => run([{ fault: 'drop', probability: 0.25 }], 4000, seed).delivered);
  t.true(Math.abs((one as number[]).length - 3000) < 150, `${(one as number[]).length}`);
  t.notDeepEqual(one, two);
});

test('faults: plans that can not be meant are refused', (t) => {
  t.throws(() => run([{ fault: 'drop', probability: 2 }], 1), { instanceOf: UsageError, message: /2 is no/ });
  t.throws(() => run([{ fault: 'drop', frames: [0] }], 1), { instanceOf: UsageError, message: /0 are no/ });
  t.throws(() => run([{ fault: 'drop', frames: [1], probability: 1 }], 1), { instanceOf: UsageError });
});

test('hub: a switch sends to where an address was heard, and everything else everywhere, never back', async (t) => {
  const hub = new Hub();
  const [a, b, c] = [hub.plug(A), hub.plug(B), hub.plug(C)] as const;
  const [atA, atB, atC] = [heard(a), heard(b), heard(c)];
  a.send(frame(1, B, A));
  await turn();
  b.send(frame(2, A, B));
  await turn();
  a.send(frame(3, B, A));
  a.send(frame(4, ALL, A));
  await turn();
  t.deepEqual([atA, atB, atC], [[2], [1, 3, 4], [1, 4]]);
  await hub.close();
});

test('hub: an address that moves is found again; after five minutes of silence it is forgotten', async (t) => {
  const clock = new ManualClock();
  const hub = new Hub({ clock });
  const [a, b, c] = [hub.plug(A), hub.plug(B), hub.plug(C)] as const;
  const [atB, atC] = [heard(b), heard(c)];
  b.send(frame(1, ALL, B));
  await turn();
  c.send(frame(2, ALL, B));
  await turn();
  a.send(frame(3, B, A));
  await turn();
  clock.advance(300_000);
  a.send(frame(4, B, A));
  await turn();
  t.deepEqual(
    [atB, atC],
    [
      [2, 4],
      [1, 3, 4],
    ],
  );
  await hub.close();
});

test('hub: a plain hub sends everything everywhere', async (t) => {
  const hub = new Hub({ kind: 'hub' });
  const [a, b, c] = [hub.plug(A), hub.plug(B), hub.plug(C)] as const;
  const atC = heard(c);
  b.send(frame(1, A, B));
  await turn();
  a.send(frame(2, B, A));
  await turn();
  t.deepEqual(atC, [1, 2]);
  await hub.close();
});

test('hub: thousands of frames pass without a loss, in order', async (t) => {
  const hub = new Hub();
  const [a, b] = [hub.plug(A), hub.plug(B)] as const;
  const atB = heard(b);
  for (const number of upTo(5000)) a.send(frame(number));
  await turn();
  t.deepEqual(atB, upTo(5000));
  await hub.close();
});

test('hub: faults of a port meet what goes in and out there, and are told', async (t) => {
  const events: FaultEvent[] = [];
  const hub = new Hub({ onFault: (event) => events.push(event) });
  const a = hub.plug(A, { name: 'a' });
  const b = hub.plug(B, {
    name: 'b',
    faults: [
      { fault: 'drop', way: 'out', frames: [2] },
      { fault: 'drop', way: 'in', frames: [1] },
    ],
  });
  const [atA, atB] = [heard(a), heard(b)];
  for (const number of upTo(3)) a.send(frame(number));
  b.send(frame(9, A, B));
  b.send(frame(10, A, B));
  await turn();
  t.deepEqual([atA, atB], [[10], [1, 3]]);
  t.deepEqual(events, [
    { port: 'b', way: 'out', fault: 'drop', frame: 2 },
    { port: 'b', way: 'in', fault: 'drop', frame: 1 },
  ]);
  t.like(hub.port('b').counts.out, { offered: 3, delivered: 2, drop: 1 });
  await hub.close();
});

test('hub: a port is cut and restored by hand, either way or both', async (t) => {
  const hub = new Hub();
  const [a, b] = [hub.plug(A, { name: 'a' }), hub.plug(B, { name: 'b' })] as const;
  const [atA, atB] = [heard(a), heard(b)];
  const both = async (number: number): Promise<void> => {
    a.send(frame(number, B, A));
    b.send(frame(number, A, B));
    await turn();
  };
  hub.port('a').cut('in');
  await both(1);
  hub.port('a').cut();
  await both(2);
  hub.port('a').restore();
  await both(3);
  t.deepEqual([atA, atB], [[1, 3], [3]]);
  t.throws(() => hub.port('x'), { instanceOf: LabError, message: /there are: a, b/ });
  await hub.close();
});

test('hub: a frame too long for one port reaches the others', async (t) => {
  const hub = new Hub();
  const a = hub.plug(A, { name: 'a', mtu: 9000 });
  const narrow = heard(hub.plug(B, { name: 'narrow' }));
  const wide = heard(hub.plug(C, { name: 'wide', mtu: 9000 }));
  const long = Buffer.concat([frame(7, ALL, A), Buffer.alloc(4000)]);
  a.send(long);
  await turn();
  t.deepEqual([narrow, wide], [[], [7]]);
  t.is(hub.port('narrow').refused, 1);
  await hub.close();
});

test('hub: a port that leaves hears no more and its addresses are forgotten; a link joins once', async (t) => {
  const hub = new Hub();
  const [a, b, c] = [hub.plug(A), hub.plug(B, { name: 'b' }), hub.plug(C)] as const;
  const [atB, atC] = [heard(b), heard(c)];
  b.send(frame(1, ALL, B));
  await turn();
  const port = hub.port('b');
  t.throws(() => hub.join(port.link), { instanceOf: LabError });
  port.leave();
  a.send(frame(2, B, A));
  await turn();
  t.deepEqual([atB, atC], [[], [1, 2]]);
  await hub.close();
});

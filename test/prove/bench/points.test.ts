import test from 'ava';
import fc from 'fast-check';
import { UsageError } from '../../../src/base/errors.js';
import {
  allPoints,
  mixName,
  parseDepths,
  parseMixes,
  parseSizes,
  pointName,
  schedule,
} from '../../../src/prove/bench/points.js';

for (const [parse, bad] of [
  [parseSizes, ['', '0', '1000', '1k,', '128k', 'x', '-1k']],
  [parseDepths, ['', '0', '1025', '1.5', '1;2', 'all']],
  [parseMixes, ['', 'reads', '70', '70/40', '100/0/0', '70/-30']],
] as const) {
  for (const text of bad) {
    test(`${parse.name} refuses "${text}" and says what it takes`, (t) => {
      const error = t.throws(() => parse(text), { instanceOf: UsageError });
      t.true((error?.facts.next ?? '').length > 0);
    });
  }
}

test('lists are read in their order, and what is named twice counts once', (t) => {
  t.deepEqual(parseSizes('8k,1k,512,8K'), [8192, 1024, 512]);
  t.deepEqual(parseDepths('64, 1,16'), [64, 1, 16]);
  t.deepEqual(parseMixes('read,write,70/30,50/50'), [100, 0, 70, 50]);
});

test('points are named as a person says them', (t) => {
  t.is(pointName({ size: 1024, depth: 16, reads: 100 }), '1 KiB read, depth 16');
  t.is(pointName({ size: 8192, depth: 1, reads: 70 }), '8 KiB 70/30, depth 1');
  t.deepEqual([100, 0, 50].map(mixName), ['read', 'write', '50/50']);
});

test('all combinations are points, each once', (t) => {
  const points = allPoints([1024, 8192], [1, 16, 64], [100, 0]);
  t.is(points.length, 12);
  t.is(new Set(points.map(pointName)).size, 12);
  t.deepEqual(points[0], { size: 1024, depth: 1, reads: 100 });
});

test('runs go A B A B: at each point each contender in turn, then the next point, then the next round', (t) => {
  const points = allPoints([1024], [1, 16], [100]);
  const order = schedule(points, 2, 2).map(
    ({ round, point, contender }) => `${round} d${point.depth} ${'AB'[contender]}`,
  );
  t.deepEqual(order, ['0 d1 A', '0 d1 B', '0 d16 A', '0 d16 B', '1 d1 A', '1 d1 B', '1 d16 A', '1 d16 B']);
});

test('no contender runs twice before the others had their turn at the same point', (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 5 }), (contenders, rounds) => {
      const points = allPoints([512, 4096], [1, 8], [100, 0]);
      const turns = schedule(points, contenders, rounds);
      t.is(turns.length, points.length * contenders * rounds);
      for (let at = 0; at < turns.length; at += contenders) {
        const group = turns.slice(at, at + contenders);
        t.deepEqual(
          group.map(({ contender }) => contender),
          Array.from({ length: contenders }, (_, index) => index),
        );
        t.is(new Set(group.map(({ round, point }) => `${round} ${pointName(point)}`)).size, 1);
      }
    }),
  );
});

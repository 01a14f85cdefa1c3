import test from 'ava';
import fc from 'fast-check';
import { geometricMean, median, spread } from '../../../src/prove/bench/statistics.js';

const numbers = fc.array(fc.integer({ min: -1_000_000, max: 1_000_000 }), { minLength: 1, maxLength: 50 });

test('of nothing there is no median, no spread and no mean', (t) => {
  for (const of of [median, spread, geometricMean]) t.throws(() => of([]), { instanceOf: RangeError });
});

test('as many values lie at or below the median as at or above it', (t) => {
  fc.assert(
    fc.property(numbers, (values) => {
      const middle = median(values);
      const below = values.filter((value) => value <= middle).length;
      const above = values.filter((value) => value >= middle).length;
      t.true(below * 2 >= values.length && above * 2 >= values.length);
    }),
  );
});

test('the order of the values does not matter, and they stay as they were', (t) => {
  fc.assert(
    fc.property(numbers, (values) => {
      const before = [...values];
      t.deepEqual(spread(values), spread([...values].reverse()));
      t.deepEqual(values, before);
    }),
  );
});

test('a spread holds the median between its ends, and no deviation beyond them', (t) => {
  fc.assert(
    fc.property(numbers, (values) => {
      const { median: middle, min, max, mad } = spread(values);
      t.true(min <= middle && middle <= max && mad >= 0 && mad <= max - min);
    }),
  );
});

test('known values', (t) => {
  t.deepEqual(spread([3, 1, 2]), { median: 2, min: 1, max: 3, mad: 1 });
  t.deepEqual(spread([4, 1, 3, 2]), { median: 2.5, min: 1, max: 4, mad: 1 });
  t.is(median([5]), 5);
  t.is(Math.round(geometricMean([1, 10, 100]) * 1e9) / 1e9, 10);
});

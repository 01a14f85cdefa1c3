import test from 'ava';
import fc from 'fast-check';
import { Histogram } from '../../../src/prove/bench/histogram.js';

const values = fc.array(
  fc.oneof(fc.nat(300), fc.nat(2_000_000), fc.double({ min: 0, max: 4e9, noNaN: true })),
  { minLength: 1, maxLength: 400 },
);

test('an empty histogram has no values, and all its percentiles are 0', (t) => {
  const histogram = new Histogram();
  t.deepEqual(
    [histogram.total, histogram.max, histogram.percentile(0.5), histogram.percentile(1)],
    [0, 0, 0, 0],
  );
});

test('every percentile is at least the true one and above it by less than 1/128', (t) => {
  fc.assert(
    fc.property(values, fc.constantFrom(0.01, 0.5, 0.9, 0.99, 0.999, 1), (list, share) => {
      const histogram = new Histogram();
      for (const value of list) histogram.record(value);
      const sorted = list.map(Math.floor).sort((a, b) => a - b);
      const exact = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] as number;
      const found = histogram.percentile(share);
      t.true(found >= exact && found <= exact * (1 + 1 / 128), `${found} for ${exact}`);
    }),
  );
});

test('the largest value is kept exactly, and the number of values', (t) => {
  fc.assert(
    fc.property(values, (list) => {
      const histogram = new Histogram();
      for (const value of list) histogram.record(value);
      t.is(histogram.total, list.length);
      t.is(histogram.max, Math.floor(Math.max(...list)));
      t.is(histogram.percentile(1), histogram.max);
    }),
  );
});

test('percentiles do not fall as the share grows', (t) => {
  fc.assert(
    fc.property(values, (list) => {
      const histogram = new Histogram();
      for (const value of list) histogram.record(value);
      const found = [0.1, 0.5, 0.9, 0.99, 1].map((share) => histogram.percentile(share));
      t.deepEqual(
        found,
        [...found].sort((a, b) => a - b),
      );
    }),
  );
});

test('values beyond 32 bits count as the largest there is', (t) => {
  const histogram = new Histogram();
  histogram.record(1e12);
  t.is(histogram.max, 0xffff_ffff);
  t.is(histogram.percentile(0.5), 0xffff_ffff);
});

test('after clear nothing is left', (t) => {
  const histogram = new Histogram();
  for (const value of [1, 1000, 1e9]) histogram.record(value);
  histogram.clear();
  t.deepEqual([histogram.total, histogram.max, histogram.percentile(1)], [0, 0, 0]);
  histogram.record(7);
  t.is(histogram.percentile(0.5), 7);
});

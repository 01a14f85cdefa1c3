import test from 'ava';
import fc from 'fast-check';
import { Places } from '../../../src/prove/bench/places.js';

const seeds = fc.integer({ min: 0, max: 2 ** 31 - 1 });

test('every block has its turn before any comes again', (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5000 }), seeds, (blocks, seed) => {
      const places = new Places(blocks, seed);
      const seen = new Set(Array.from({ length: blocks }, () => places.next()));
      t.is(seen.size, blocks);
      t.true([...seen].every((place) => place >= 0 && place < blocks));
    }),
  );
});

test('one seed gives one order, another seed another one', (t) => {
  const order = (seed: number) => {
    const places = new Places(1000, seed);
    return Array.from({ length: 50 }, () => places.next());
  };
  t.deepEqual(order(5), order(5));
  t.notDeepEqual(order(5), order(6));
});

test('neighbours in time are no neighbours in the file', (t) => {
  const places = new Places(1 << 18, 1);
  let near = 0;
  let before = places.next();
  for (let count = 0; count < 10_000; count++) {
    const place = places.next();
    if (Math.abs(place - before) <= 16) near++;
    before = place;
  }
  t.true(near < 20, `${near} of 10,000`);
});

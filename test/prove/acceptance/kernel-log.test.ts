import test from 'ava';
import fc from 'fast-check';
import { linesAfter } from '../../../src/prove/acceptance/kernel-log.js';

test('what came after a line is found, however much of the ring is lost meanwhile', (t) => {
  const lines = fc.integer({ min: 1, max: 50 });
  fc.assert(
    fc.property(lines, fc.nat(50), fc.nat(100), (before, after, lost) => {
      const all = Array.from({ length: before + after }, (_, index) => `[ ${index}.0] line`);
      const left = all.slice(lost);
      t.deepEqual(linesAfter(left, all[before - 1]), all.slice(Math.max(before, lost)));
    }),
  );
  t.deepEqual(linesAfter(['a'], undefined), ['a']);
});

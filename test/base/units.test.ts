import test from 'ava';
import fc from 'fast-check';
import { formatSize, parseSize } from '../../src/base/units.js';

for (const wrong of ['', 'many', '-1', '1.0001K', '1X', '0x10', '9P9', '99999P']) {
  test(`"${wrong}" is no size`, (t) => {
    const error = t.throws(() => parseSize(wrong));
    t.regex(error?.message ?? '', /reading the size/);
  });
}

for (const [text, bytes] of [
  ['0', 0],
  ['512', 512],
  ['4k', 4096],
  ['64M', 64 << 20],
  ['1.5G', 1.5 * 2 ** 30],
  ['2 TiB', 2 * 2 ** 40],
  ['10MB', 10 << 20],
] as const) {
  test(`"${text}" is ${bytes} bytes`, (t) => t.is(parseSize(text), bytes));
}

test('whole units are shown without decimals, others with one', (t) => {
  t.is(formatSize(0), '0 B');
  t.is(formatSize(1023), '1023 B');
  t.is(formatSize(256 << 20), '256 MiB');
  t.is(formatSize(1536), '1.5 KiB');
});

test('what is shown of whole units reads back as the same bytes', (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1023 }), fc.constantFrom(0, 1, 2, 3, 4), (count, power) => {
      const bytes = count * 1024 ** power;
      t.is(parseSize(formatSize(bytes)), bytes);
    }),
  );
});

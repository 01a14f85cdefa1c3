import test from 'ava';
import { parseJson } from '../../src/base/json.js';

test('hostile: JSON that is nested too deeply is refused, as whatever goes through it would end on the stack', (t) => {
  for (const [open, close] of [
    ['[', ']'],
    ['{"a":', '}'],
  ] as const) {
    const text = `${open.repeat(100_000)}1${close.repeat(100_000)}`;
    t.throws(() => parseJson(text), { instanceOf: SyntaxError, message: 'it is nested too deeply' });
    t.throws(() => parseJson(open.repeat(100_000)), { message: 'it is nested too deeply' });
  }
});

test('brackets in strings are none, and many beside each other are not deep', (t) => {
  const values = [
    { a: '['.repeat(1000), '{"[': '\\"[{'.repeat(1000) },
    Array.from({ length: 1000 }, () => [{}]),
  ];
  for (const value of values) t.deepEqual(parseJson(JSON.stringify(value)), value);
  t.throws(() => parseJson('{'), { instanceOf: SyntaxError });
  t.is((parseJson(JSON.stringify('x'.repeat(1 << 24))) as string).length, 1 << 24);
});

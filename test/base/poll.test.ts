import test from 'ava';
import { pollUntil, pollUntilTrue } from '../../src/base/poll.js';

const SOON = { every: 1, patience: 5 };

test('what is there at once is found by one look, even without patience', async (t) => {
  let looks = 0;
  t.is(await pollUntil(() => ++looks, { every: 1, patience: 0 }), 1);
  t.is(looks, 1);
});

test('what is there later is found then', async (t) => {
  let looks = 0;
  const found = await pollUntil(async () => (++looks === 3 ? 'it' : undefined), {
    every: 1,
    patience: 60_000,
  });
  t.deepEqual([found, looks], ['it', 3]);
});

test('what never comes is given up, after a last look when the time is up', async (t) => {
  const began = performance.now();
  let last = 0;
  const found = await pollUntil(() => {
    last = performance.now();
    return undefined;
  }, SOON);
  t.is(found, undefined);
  t.true(last - began >= SOON.patience);
});

test('false and 0 are answers, and true is what is waited for', async (t) => {
  t.is(await pollUntil(() => false, SOON), false);
  t.is(await pollUntil(() => 0, SOON), 0);
  t.false(await pollUntilTrue(() => false, SOON));
  t.true(await pollUntilTrue(async () => true, SOON));
});

test('an error of the look is thrown', async (t) => {
  await t.throwsAsync(
    pollUntil(() => Promise.reject(new Error('gone')), SOON),
    { message: 'gone' },
  );
});

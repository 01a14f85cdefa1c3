import test from 'ava';
import { Pace } from '../../../src/wire/initiator/pace.js';

test('losses double the time-out up to a second, and never take the window below one', (t) => {
  const pace = new Pace(16);
  let now = 0;
  for (let loss = 0; loss < 20; loss++) {
    now += 10_000;
    pace.lost(now);
  }
  t.is(pace.timeout, 1000);
  t.is(pace.window, 1);
});

test('losses within one time-out count once', (t) => {
  const pace = new Pace(16);
  for (let loss = 0; loss < 16; loss++) pace.lost(1000);
  t.is(pace.window, 8);
  t.is(pace.timeout, 400);
});

test('the round trip of a repeated request is not measured', (t) => {
  const pace = new Pace(4);
  const before = pace.timeout;
  pace.answered(undefined);
  t.is(pace.timeout, before);
});

test('steady answers bring the time-out down to its least, and a slow one raises it', (t) => {
  const pace = new Pace(4);
  for (let answer = 0; answer < 100; answer++) pace.answered(1);
  t.is(pace.timeout, 40);
  pace.answered(200);
  t.true(pace.timeout > 200);
});

test('the window grows back, but never above what the target advertises', (t) => {
  const pace = new Pace(8);
  pace.lost(1000);
  t.is(pace.window, 4);
  for (let answer = 0; answer < 10_000; answer++) pace.answered(1);
  t.is(pace.window, 8);
});

import test from 'ava';
import { Window } from '../../../src/verify/bench/window.js';

const load = { size: 1024, depth: 4, reads: 100, sectors: 2048, seed: 3, mark: 1, warmUp: 0, time: 0 };

test('an answer closes its request once; another tag of the slot, and none, close nothing', (t) => {
  const window = new Window(load);
  const first = window.open(2, 1);
  t.false(window.close(2, 0));
  t.false(window.close(3, first));
  t.false(window.close(900, first));
  t.true(window.close(2, first));
  t.false(window.close(2, first));
  const second = window.open(2, 2);
  t.false(window.close(2, first));
  t.is(window.outstanding, 1);
  t.true(window.close(2, second));
  t.is(window.outstanding, 0);
});

test('no tag is the one that means none, also when their count begins anew', (t) => {
  const window = new Window(load);
  let zeros = 0;
  for (let count = 0; count < 2 ** 22 + 10; count++) {
    const tag = window.open(0, 0);
    if (tag === 0 || !window.close(0, tag)) zeros++;
    window.due = 0;
  }
  t.is(zeros, 0);
});

test('requests ask for whole blocks within the file, in the mix that was asked for', (t) => {
  for (const [reads, least, most] of [
    [100, 0, 0],
    [0, 10_000, 10_000],
    [70, 2_700, 3_300],
  ] as const) {
    const window = new Window({ ...load, reads });
    let writes = 0;
    for (let count = 0; count < 10_000; count++) {
      const tag = window.open(1, 0);
      const lba = window.lba[1] as number;
      t.true(lba % 2 === 0 && lba >= 0 && lba + 2 <= 2048);
      writes += window.isWrite[1] as number;
      window.close(1, tag);
      window.due = 0;
    }
    t.true(writes >= least && writes <= most, `${writes} writes at ${reads} % reads`);
  }
});

test('a request that is sent again keeps its tag and is marked', (t) => {
  const window = new Window(load);
  const tag = window.open(1, 5);
  window.due = 0;
  window.repeat(1);
  t.deepEqual([window.due, window.queue[0], window.repeated[1], window.awaited[1]], [1, 1, 1, tag]);
  window.close(1, tag);
  window.open(1, 9);
  t.is(window.repeated[1], 0);
});

import test from 'ava';
import { slotOf, Window } from '../../../src/prove/bench/window.js';

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

test('tags are random, none is the one that means none, and each tells its slot', (t) => {
  const window = new Window({ ...load, depth: 1024 });
  const tags = new Set<number>();
  for (let count = 0; count < 20_000; count++) {
    const slot = count % 1024;
    const tag = window.open(slot, 0);
    tags.add(tag);
    if (tag === 0 || slotOf(tag) !== slot || !window.close(slot, tag)) t.fail(`slot ${slot}, tag ${tag}`);
    window.due = 0;
  }
  t.true(tags.size > 19_990);
  for (let bit = 0; bit < 32; bit++) {
    const ones = [...tags].filter((tag) => (tag >>> bit) & 1).length;
    t.true(ones > 9000 && ones < 11_000, `bit ${bit}: ${ones}`);
  }
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

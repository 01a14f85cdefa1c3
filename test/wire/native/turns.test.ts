import { setImmediate as turn } from 'node:timers/promises';
import test from 'ava';
import { SharedLook } from '../../../src/wire/native/shared-look.js';
import { Turns } from '../../../src/wire/native/turns.js';

/** Operations that end when they are told to. */
class Slow {
  readonly ends: (() => void)[] = [];
  most = 0;
  #now = 0;

  run = async (): Promise<number> => {
    this.#now++;
    this.most = Math.max(this.most, this.#now);
    await new Promise<void>((resolve) => this.ends.push(resolve));
    this.#now--;
    return this.ends.length;
  };
}

test('A18: no more operations than allowed are under way; the others follow in their order', async (t) => {
  const [turns, slow] = [new Turns(2), new Slow()];
  const order: number[] = [];
  const all = [0, 1, 2, 3, 4].map((index) =>
    turns.run(async () => {
      order.push(index);
      await slow.run();
    }),
  );
  for (let done = 0; done < 5; done++) {
    await turn();
    t.true(slow.ends.length - done <= 2);
    slow.ends[done]?.();
  }
  await Promise.all(all);
  t.is(slow.most, 2);
  t.deepEqual(order, [0, 1, 2, 3, 4]);
  await t.throwsAsync(
    turns.run(() => Promise.reject(new Error('of its own'))),
    { message: 'of its own' },
  );
  t.is(await turns.run(async () => 7), 7, 'one that failed has given its turn back');
});

test('A18: many that ask for a size share a look that begins after they asked; one is under way at a time', async (t) => {
  const slow = new Slow();
  const look = new SharedLook(slow.run);
  const first = look.ask();
  const others = Array.from({ length: 50 }, () => look.ask());
  await turn();
  t.is(slow.ends.length, 1);
  slow.ends[0]?.();
  t.is(await first, 1);
  await turn();
  slow.ends[1]?.();
  t.deepEqual(new Set(await Promise.all(others)), new Set([2]));
  t.is(slow.most, 1);
});

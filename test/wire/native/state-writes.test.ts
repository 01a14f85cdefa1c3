/** What is changed over the wire costs the disk little, however often that is (HOSTILE 4). */
import { setImmediate as turn } from 'node:timers/promises';
import test from 'ava';
import { buildFrame } from '../../../src/wire/aoe/index.js';
import { Medium } from '../../../src/wire/native/medium.js';
import type { Served } from '../../../src/wire/native/served.js';
import { NO_STATE, type TargetState } from '../../../src/wire/native/state.js';
import { StateStore } from '../../../src/wire/native/state-store.js';
import { StateWrites } from '../../../src/wire/native/state-writes.js';
import { Station } from '../../../src/wire/native/station.js';
import { NativeTarget } from '../../../src/wire/native/target.js';
import { temporaryFolder } from '../../base/temporary.js';
import { config, MAX_SECTORS, OTHERS, OURS, SECTORS, THEIRS, table } from './bench-top.js';

/** Time that goes on to what is waited for next, when all else is done. */
class Clock {
  time = 0;
  #sleepers: { at: number; wake: () => void }[] = [];
  readonly now = (): number => this.time;
  #isRunning = false;
  readonly sleep = (time: number): Promise<void> =>
    new Promise((wake) => {
      this.#sleepers.push({ at: this.time + time, wake });
      void this.#run();
    });

  async #run(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    while (this.#sleepers.length > 0) {
      await turn();
      await turn();
      this.#sleepers.sort((one, other) => other.at - one.at);
      const next = this.#sleepers.pop();
      this.time = Math.max(this.time, next?.at ?? 0);
      next?.wake();
    }
    this.#isRunning = false;
  }
}

test('HOSTILE 4: states are written one at a time, at a bounded rate, whatever waits', async (t) => {
  const clock = new Clock();
  const writes = new StateWrites(clock);
  let most = 0;
  let now = 0;
  let count = 0;
  const write = async (): Promise<void> => {
    most = Math.max(most, ++now);
    await turn();
    now--;
    count++;
  };
  await Promise.all(Array.from({ length: 1000 }, (_, number) => writes.run(`export ${number % 50}`, write)));
  t.is(most, 1);
  t.is(count, 1000);
  // 256 at once, and 64 a second.
  t.true(clock.time >= (1000 * (1000 - 256)) / 64 - 100, `${clock.time}`);
});

test('HOSTILE 4: an export whose state changes without end holds up no other', async (t) => {
  const clock = new Clock();
  const writes = new StateWrites(clock);
  let other = false;
  const order: boolean[] = [];
  const busy = Array.from({ length: 200 }, () =>
    writes.run('busy', async () => {
      order.push(other);
    }),
  );
  await turn();
  await writes.run('other', async () => {
    other = true;
  });
  await Promise.all(busy);
  t.true(order.filter((later) => later).length >= 100, `${order}`);
});

test('HOSTILE 4: of config sets of one station to all exports few wait, and another station is kept soon', async (t) => {
  const clock = new Clock();
  const writes = new StateWrites(clock);
  const sent: Buffer[] = [];
  const port = { mac: OURS, maxSectors: MAX_SECTORS };
  const station = new Station(port, (frame) => sent.push(Buffer.from(frame)) > 0, clock.now);
  const { served } = table();
  station.served = Array.from({ length: 254 }, (_, slot): Served => {
    const keeper = {
      kept: NO_STATE,
      keep: (state: TargetState): Promise<void> =>
        writes.run(`${slot}`, async () => {
          keeper.kept = state;
        }),
    };
    const target = new NativeTarget({ address: { shelf: 7, slot } }, SECTORS);
    return { ...served, target, keeper, medium: new Medium() };
  });
  const set = (from: number, slot: number, text: string): void =>
    station.handle(buildFrame(config(4, text, { from, slot })));
  for (let number = 0; number < 5000; number++) set(OTHERS, number % 254, `${number}`);
  t.is(station.underWay, 64);
  const before = sent.length;
  set(THEIRS, 253, 'mine');
  const began = clock.time;
  await station.idle();
  t.is(sent.length - before, 65);
  t.true(clock.time - began < 1000);
  // What was dropped has changed nothing.
  t.is(station.served.filter(({ target }) => target.state !== NO_STATE).length, 65);
});

test('HOSTILE 4: a state that waits for its turn is written as it is then', async (t) => {
  const folder = await temporaryFolder(t);
  const clock = new Clock();
  const store = new StateStore(folder, () => {}, new StateWrites(clock));
  const { keeper } = await store.open({ shelf: 7, slot: 3 }, '/disk');
  const states = Array.from(
    { length: 300 },
    (_, number): TargetState => ({
      ...NO_STATE,
      configString: Buffer.from(`${number}`),
    }),
  );
  await Promise.all(states.map((state) => keeper.keep(state)));
  t.is(keeper.kept.configString.toString(), '299');
  const { state } = await store.open({ shelf: 7, slot: 3 }, '/disk');
  t.is(state.configString.toString(), '299');
});

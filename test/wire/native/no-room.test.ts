/** A change for which there is no room leaves nothing behind (HOSTILE 4). */
import test from 'ava';
import { AtaCommand, type Frame } from '../../../src/wire/aoe/index.js';
import { MemoryBacking } from '../../../src/wire/native/backing.js';
import { toldAccess } from '../../../src/wire/native/local-access.js';
import { NO_STATE, type TargetState } from '../../../src/wire/native/state.js';
import { ata, config, mask, OTHERS, reserve, SECTORS, THEIRS, table } from './bench-top.js';

const EDIT = 1;
const ADD = 1;

/** A disk that answers when it is let. */
class Held extends MemoryBacking {
  release = (): void => {};
  readonly #hold = new Promise<void>((resolve) => {
    this.release = resolve;
  });

  override async read(sector: number, count: number): Promise<Buffer> {
    await this.#hold;
    return super.read(sector, count);
  }
}

const CHANGES: [string, Frame][] = [
  ['a config string', config(3, 'theirs')],
  ['a config string by force', config(4, 'theirs')],
  ['an edit of the mask list', mask(EDIT, [{ dcmd: ADD, mac: OTHERS }])],
  ['a reservation', reserve(1, [OTHERS])],
  ['a reservation by force', reserve(2, [OTHERS])],
];

for (const [what, change] of CHANGES) {
  test(`HOSTILE 4: ${what} that is dropped for want of room is not in force, and is when it is repeated`, async (t) => {
    const backing = new Held(Buffer.alloc(SECTORS * 512));
    const { served, ask } = table({ backing });
    const { counters } = served;
    const reads = Array.from({ length: 64 }, (_, tag) => ata(AtaCommand.readSectors, 0, { tag: tag + 1 }));
    const asked = ask(...reads, change);
    t.is(served.target.state, NO_STATE);
    t.is(counters.unsent, 1);
    backing.release();
    t.is((await asked).length, 64);
    t.is((await ask(change)).length, 1);
    t.not(served.target.state, NO_STATE);
  });
}

test('HOSTILE 4: what is in force is told before it has been kept', async (t) => {
  let write = (): void => {};
  const keeper = {
    kept: NO_STATE,
    keep: (state: TargetState): Promise<void> =>
      new Promise((resolve) => {
        write = () => {
          keeper.kept = state;
          resolve();
        };
      }),
  };
  const { served, ask } = table({ keeper });
  const asked = ask(mask(EDIT, [{ dcmd: ADD, mac: THEIRS }]));
  t.deepEqual(toldAccess(served).masks, ['02:00:00:00:00:02']);
  write();
  t.is((await asked).length, 1);
});

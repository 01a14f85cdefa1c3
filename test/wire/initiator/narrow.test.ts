import test from 'ava';
import type { Frame } from '../../../src/wire/aoe/index.js';
import { AoeAnswerError, discover, openTarget } from '../../../src/wire/initiator/index.js';
import { type Link, MemorySegment } from '../../../src/wire/link/index.js';
import { type FakeOptions, FakeTarget } from './fake-target.js';
import { INITIATOR_MAC, pattern, TARGET_MAC } from './lab.js';

/** Frames that are larger than what passes, or than what the target takes any more. */

const SECTORS = 1024;
const ADDRESS = { shelf: 0, slot: 1 };

async function makeLab(options: FakeOptions) {
  const segment = new MemorySegment(9000);
  const link = segment.join(INITIATOR_MAC);
  const all: FakeOptions = { sectors: SECTORS, maxSectors: 17, ...options };
  const fake = new FakeTarget(segment.join(TARGET_MAC), all);
  const notes: string[] = [];
  const onNote = (text: string) => notes.push(text);
  const target = await openTarget(link, ADDRESS, { settle: 20, silence: 50, onNote });
  return { link, fake, target, notes };
}

/** Something on the way that carries so many sectors. */
function middle(sectors: number): FakeOptions {
  const fate = (frame: Frame) => (frame.kind === 'ata' && frame.data.length > sectors * 512 ? [] : [0]);
  return { fateIn: fate, fateOut: fate };
}

for (const [passing, direction] of [
  [2, 'reads'],
  [2, 'writes'],
  [8, 'reads'],
  [1, 'writes'],
] as const) {
  test(`B6: where ${passing} sectors pass, it ${direction} on by frames of ${passing}, and says so once`, async (t) => {
    const { fake, target, notes } = await makeLab(middle(passing));
    const data = pattern(SECTORS * 512);
    if (direction === 'reads') {
      fake.disk.set(data);
      t.true((await target.read(0, SECTORS)).equals(data));
    } else {
      await target.write(0, data);
      t.true(fake.disk.equals(data));
    }
    t.is(target.sectorsPerFrame, passing);
    t.is(notes.length, 1);
    t.regex(
      String(notes[0]),
      new RegExp(`e0\\.1: goes on with ${passing} sectors a frame, as larger frames get lost`),
    );
    await target.read(0, 64);
    t.is(notes.length, 1);
  });
}

test('B6: discover tells the largest frame that passes, and changes nothing', async (t) => {
  for (const [sectors, maxSectors, expected] of [
    [2, 17, 2],
    [7, 17, 7],
    [1, 16, 1],
    [17, 17, 17],
  ] as const) {
    const { link, fake } = await makeLab({ ...middle(sectors), maxSectors });
    const before = Buffer.from(fake.disk);
    const [found] = await discover(link, { wait: 30, frames: true });
    t.like(found, { sectorsPerFrame: maxSectors, sectorsThatPass: expected });
    t.true(fake.disk.equals(before));
  }
});

test('B6: of a target that can not be read from, no size is told', async (t) => {
  const { link } = await makeLab({ refused: [0x24] });
  const [found] = await discover(link, { wait: 30, frames: true });
  t.like(found, { sectorsPerFrame: 17, sectorsThatPass: null });
});

test('a target that is slow with everything keeps its large frames', async (t) => {
  const { fake, target, notes } = await makeLab({});
  fake.disk.set(pattern(fake.disk.length));
  // Its disk answers no read at all for some looks at the silence.
  fake.options.fateIn = (frame) => (frame.kind === 'ata' && frame.ata.cmdStatus === 0x24 ? [] : [0]);
  setTimeout(() => {
    fake.options.fateIn = () => [0];
  }, 1500);
  t.true((await target.read(0, SECTORS)).equals(fake.disk));
  t.is(target.sectorsPerFrame, 17);
  t.deepEqual(notes, []);
});

/** A target that takes so many sectors from now on, and calls more a bad argument. */
function takes(fake: FakeTarget, sectors: number, told = sectors): void {
  fake.options.maxSectors = told;
  fake.options.answer = (request) =>
    request.kind === 'ata' && request.ata.count > sectors
      ? { ...request, ...fake.envelope(request, 2) }
      : undefined;
}

test('B7: a target that takes less from now on is asked what, and all goes on by that', async (t) => {
  const { fake, target, notes } = await makeLab({});
  const data = pattern(SECTORS * 512);
  await target.write(0, data.subarray(0, 512 * 512));
  takes(fake, 2);
  await target.write(512, data.subarray(512 * 512));
  t.true(fake.disk.equals(data));
  t.true((await target.read(0, SECTORS)).equals(data));
  t.is(target.sectorsPerFrame, 2);
  t.deepEqual(notes, ['e0.1: goes on with 2 sectors a frame, as it takes no larger frames any more']);
});

test('B7: a target that refuses what it says it takes is an error, and named', async (t) => {
  const { fake, target } = await makeLab({});
  takes(fake, 2, 17);
  const error = await t.throwsAsync(target.read(0, 100), { instanceOf: AoeAnswerError });
  t.regex(String(error?.message), /reading 17 sectors at 0 of e0\.1: .* AoE error 2 \(bad argument\)/);
});

test('B7: where the MTU of the own interface is lowered, smaller frames are written', async (t) => {
  const { fake, target, link } = await makeLab({});
  const send = link.send.bind(link);
  let mtu = 9000;
  Object.defineProperty(link, 'mtu', { get: () => mtu });
  Object.assign(link, {
    send: (frame: Uint8Array): boolean => {
      if (frame.length > 1514) {
        mtu = 1500;
        throw new Error('it is longer than the MTU allows');
      }
      return send(frame);
    },
  } satisfies Partial<Link>);
  const data = pattern(SECTORS * 512);
  await target.write(0, data);
  t.true(fake.disk.equals(data));
  t.is(target.sectorsPerFrame, 2);
});

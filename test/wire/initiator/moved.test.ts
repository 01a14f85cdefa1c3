import test from 'ava';
import { ForeignDeviceError, openTarget, readStream } from '../../../src/wire/initiator/index.js';
import { MemorySegment } from '../../../src/wire/link/index.js';
import { type FakeOptions, FakeTarget } from './fake-target.js';
import { INITIATOR_MAC, pattern } from './lab.js';

/** The address goes to another station, or another disk comes in its place, while a client reads or writes. */

const SECTORS = 8192;
const ADDRESS = { shelf: 0, slot: 1 };
const [FIRST, SECOND] = [0x02_00_00_00_00_10, 0x02_00_00_00_00_11];

async function makeLab(other: FakeOptions, timeout = 10_000) {
  const segment = new MemorySegment(9000);
  const link = segment.join(INITIATOR_MAC);
  const one = new FakeTarget(segment.join(FIRST), { sectors: SECTORS, maxSectors: 16 });
  const two = new FakeTarget(segment.join(SECOND), { sectors: SECTORS, maxSectors: 16, ...other });
  one.disk.set(pattern(one.disk.length));
  two.disk.set(one.disk);
  two.deaf = true;
  const notes: string[] = [];
  const onNote = (text: string) => notes.push(text);
  const target = await openTarget(link, ADDRESS, { settle: 20, silence: 50, timeout, onNote });
  return { one, two, target, notes };
}

/** Requests for data that were sent to a station; in memory it hears those to others as well. */
const moved = (fake: FakeTarget, mac: number) =>
  fake.ataRequests.filter(({ ata, ethernet }) => ata.cmdStatus !== 0xec && ethernet.destination === mac)
    .length;

test('B12: the same disk at another station is gone on with, and the move is told', async (t) => {
  const { one, two, target, notes } = await makeLab({});
  const chunks: Buffer[] = [];
  for await (const chunk of readStream(target, { from: 0, count: SECTORS })) {
    if (chunks.length === 0) [one.deaf, two.deaf] = [true, false];
    chunks.push(chunk);
  }
  t.true(Buffer.concat(chunks).equals(one.disk));
  t.true(moved(two, SECOND) > 0);
  t.is(target.mac, SECOND);
  t.deepEqual(notes, ['e0.1 has moved: the same disk answers from 02:00:00:00:00:11 on memory0']);
});

for (const [title, other] of [
  ['serial number', { identify: { serial: 'F-2' } }],
  ['model', { identify: { model: 'Another' } }],
  ['size', { identify: { lba48Sectors: SECTORS + 1 } }],
] as const) {
  test(`B12: a disk with another ${title} at that address gets nothing, and is named`, async (t) => {
    const { one, two, target } = await makeLab(other, 1500);
    await target.write(0, pattern(1 << 20));
    [one.deaf, two.deaf] = [true, false];
    const error = await t.throwsAsync(target.write(0, pattern(1 << 20)), { instanceOf: ForeignDeviceError });
    t.regex(
      String(error?.message),
      /another disk answers there instead of "Fake for tests" with serial "F-1"/,
    );
    t.regex(String(error?.message), /02:00:00:00:00:11 on memory0: "/);
    t.is(moved(two, SECOND), 0);
    // The right one is back: the session goes on with it, sooner or later.
    [one.deaf, two.deaf] = [false, true];
    let read: Buffer | undefined;
    while (read === undefined) read = await target.read(0, 64).catch(() => undefined);
    t.true(read.equals(one.disk.subarray(0, 64 * 512)));
  });
}

test('B12: another disk that comes at the same station gets nothing either', async (t) => {
  const { one, target } = await makeLab({}, 1500);
  one.deaf = true;
  const writing = t.throwsAsync(target.write(0, pattern(1 << 20)), { instanceOf: ForeignDeviceError });
  await new Promise((resolve) => setTimeout(resolve, 400));
  const before = moved(one, FIRST);
  one.options.identify = { serial: 'F-2' };
  one.deaf = false;
  await writing;
  t.is(moved(one, FIRST), before);
});

test('B2: one station that begins to answer for two disks gets nothing any more', async (t) => {
  const { one, two, target } = await makeLab({}, 1500);
  one.deaf = true;
  const writing = t.throwsAsync(target.write(0, pattern(1 << 20)), { instanceOf: ForeignDeviceError });
  await new Promise((resolve) => setTimeout(resolve, 400));
  const before = moved(one, FIRST);
  // A second process behind the same interface.
  two.options.answer = (request) => {
    request.ethernet.destination = FIRST;
    return undefined;
  };
  const envelope = two.envelope.bind(two);
  two.envelope = (request, error) => {
    const made = envelope(request, error);
    return { ...made, ethernet: { ...made.ethernet, source: FIRST } };
  };
  two.options.identify = { serial: 'F-2' };
  [one.deaf, two.deaf] = [false, false];
  await writing;
  t.is(moved(one, FIRST), before);
});

test('B1: a disk that changed without a silence is noticed before a copy is called complete', async (t) => {
  const { one, target } = await makeLab({});
  await target.read(0, 64);
  one.options.identify = { serial: 'F-2' };
  const error = await t.throwsAsync(target.confirm(), { instanceOf: ForeignDeviceError });
  t.regex(String(error?.message), /"F-2" and 8192 sectors now, and was .*"F-1"/);
  await t.throwsAsync(target.confirm(), { instanceOf: ForeignDeviceError });
});

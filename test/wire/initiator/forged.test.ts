import test from 'ava';
import {
  AtaCommand,
  type AtaFrame,
  buildFrame,
  type Frame,
  parseFrame,
} from '../../../src/wire/aoe/index.js';
import { AtaAnswerError, discover, openTarget } from '../../../src/wire/initiator/index.js';
import { initiatorOf } from '../../../src/wire/initiator/initiator.js';
import { describeStrays, Strays } from '../../../src/wire/initiator/strays.js';
import { Tags } from '../../../src/wire/initiator/tags.js';
import { MemorySegment } from '../../../src/wire/link/index.js';
import { FakeTarget } from './fake-target.js';
import { INITIATOR_MAC, makeLab, pattern, TARGET_MAC } from './lab.js';

/** Answers are taken only from the station and with the tag that was asked. */

/** So many turns of the event loop, in which all that was sent in memory arrives. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

test('tags are random, never 0, and none is given out while it is taken', (t) => {
  const tags = new Tags();
  const drawn = Array.from({ length: 20_000 }, () => tags.fresh(() => false));
  t.false(drawn.includes(0));
  // As many as that collide about once in 20 runs of 2^32; a sequence would have differences of one kind.
  t.true(new Set(drawn).size >= drawn.length - 3);
  t.true(new Set(drawn.slice(1).map((tag, index) => tag - (drawn[index] as number))).size > 19_000);
  for (let bit = 0; bit < 32; bit++) {
    const ones = drawn.filter((tag) => (tag >>> bit) & 1).length;
    t.true(ones > 9000 && ones < 11_000, `bit ${bit}: ${ones}`);
  }
  const taken = new Set<number>();
  const tag = tags.fresh((one) => {
    const isFirst = taken.size === 0;
    taken.add(one);
    return isFirst;
  });
  t.is(taken.size, 2);
  t.is([...taken][1], tag);
});

test('the tag of a query to all tells nothing about those of the requests behind it', async (t) => {
  const { fake, target } = await makeLab({ sectors: 256 });
  await target.read(0, 256);
  const tags = fake.requests.map(({ header }) => header.tag);
  const near = tags.filter((tag) => tags.some((other) => other !== tag && Math.abs(other - tag) < 4096));
  t.deepEqual(near, []);
});

/** A station that answers every broadcast it hears, and then sends read answers with the tags that follow. */
function forge(segment: MemorySegment, from: number, count: number) {
  const link = segment.join(0x02_00_00_00_00_66);
  link.onFrame = (bytes) => {
    const frame = parseFrame(bytes);
    if (frame.kind !== 'config' || frame.header.flags & 8) return;
    for (let step = 1; step <= count; step++) {
      const ata = { flags: 0x40, errFeature: 0, count: 0, cmdStatus: 0x40, lba: 0 };
      const header = {
        ...frame.header,
        flags: 8,
        major: 0,
        minor: 1,
        command: 0,
        tag: (frame.header.tag + step) >>> 0,
      };
      const ethernet = { destination: frame.ethernet.source, source: from };
      link.send(buildFrame({ kind: 'ata', ethernet, header, ata, data: Buffer.alloc(1024, 0x66) }));
    }
  };
}

test('answers with tags that follow the query are not taken, counted and told', async (t) => {
  const segment = new MemorySegment();
  const link = segment.join(INITIATOR_MAC);
  const fake = new FakeTarget(segment.join(TARGET_MAC));
  fake.disk.set(pattern(fake.disk.length));
  forge(segment, TARGET_MAC, 100);
  const target = await openTarget(link, { shelf: 0, slot: 1 }, { settle: 20 });
  t.deepEqual(await target.read(0, 64), fake.disk);
  t.is(target.strays.answers, 300);
  t.deepEqual(target.strays.stations, ['02:00:00:00:00:02']);
  t.regex(
    String(describeStrays(target.strays)),
    /^300 answers fitted no request and were not taken \(from 02:00:00:00:00:02\): another initiator/,
  );
});

test('answers that come late or again are nothing strange', async (t) => {
  const { fake, target } = await makeLab({ sectors: 256, fateOut: () => [0, 1, 40] });
  await target.read(0, 256);
  await turns(100);
  t.true(fake.requests.length > 128);
  t.deepEqual(target.strays, { answers: 0, stations: [] });
  t.is(describeStrays(target.strays), undefined);
});

test('what answers others, or for addresses that were not asked, does not count', async (t) => {
  const segment = new MemorySegment();
  const link = segment.join(INITIATOR_MAC);
  const fake = new FakeTarget(segment.join(TARGET_MAC));
  const target = await openTarget(link, { shelf: 0, slot: 1 }, { settle: 20 });
  const request = fake.requests.find(({ kind }) => kind === 'ata') as AtaFrame;
  const answer = (header: Partial<Frame['header']>, destination = INITIATOR_MAC): Buffer => {
    const made = fake.envelope(request);
    return buildFrame({
      ...request,
      ethernet: { ...made.ethernet, destination },
      header: { ...made.header, tag: 77, ...header },
    });
  };
  const other = segment.join(0x02_00_00_00_00_77);
  other.send(answer({ minor: 2 }));
  other.send(answer({}, 0x02_00_00_00_00_78));
  // An announcement.
  other.send(answer({ tag: 0 }));
  other.send(answer({}));
  await turns(10);
  t.is(target.strays.answers, 1);
});

test('stations that are named are few, however many send', (t) => {
  const strays = new Strays();
  for (let mac = 1; mac <= 10_000; mac++) strays.count(mac);
  t.is(strays.report.answers, 10_000);
  t.is(strays.report.stations.length, 8);
});

test('an answer with the right tag for another place of the disk is not taken', async (t) => {
  const { fake, target } = await makeLab({ sectors: 256 });
  fake.disk.set(pattern(fake.disk.length));
  await target.read(8, 2);
  let forged = 0;
  fake.options.answer = (request) => {
    if (request.kind !== 'ata' || request.ata.lba !== 40 || forged++ > 0) return undefined;
    const ata = { ...request.ata, lba: 42, cmdStatus: 0x40 };
    return { ...request, ...fake.envelope(request), ata, data: Buffer.alloc(1024, 0x66) };
  };
  t.deepEqual(await target.read(40, 2), fake.disk.subarray(40 * 512, 42 * 512));
  t.true(forged > 1, 'it was asked again');
  t.is(target.strays.answers, 1);
});

test('a target that leaves the LBA of its answers empty is read all the same', async (t) => {
  const { fake, target } = await makeLab({ sectors: 256 });
  fake.disk.set(pattern(fake.disk.length));
  fake.options.answer = (request) => {
    if (request.kind !== 'ata' || request.ata.cmdStatus !== AtaCommand.readSectorsExt) return undefined;
    const { lba, count } = request.ata;
    const data = fake.disk.subarray(lba * 512, (lba + count) * 512);
    return {
      ...request,
      ...fake.envelope(request),
      ata: { ...request.ata, flags: 0, lba: 0, cmdStatus: 0x40 },
      data,
    };
  };
  t.deepEqual(await target.read(0, 256), fake.disk);
  t.is(target.strays.answers, 0);
});

test('a device that says it is busy has not done what it was asked for', async (t) => {
  const { fake, target } = await makeLab();
  fake.options.answer = (request) => ({
    ...(request as AtaFrame),
    ...fake.envelope(request),
    ata: { ...(request as AtaFrame).ata, cmdStatus: 0x80 },
  });
  await t.throwsAsync(target.write(0, pattern(512)), { instanceOf: AtaAnswerError, message: /BSY/ });
});

test('B13: what fails while an answer is handled is a failure of that request, and no more', async (t) => {
  const { fake, target, link } = await makeLab();
  const stop = initiatorOf(link).collect(Buffer.alloc(60), (): boolean => {
    throw new RangeError('for tests');
  });
  const failed = new Promise<Error>((resolve) => {
    const bytes = buildFrame(fake.requests.find(({ kind }) => kind === 'ata') as Frame);
    initiatorOf(link).submit({
      tried: 'trying',
      address: target.address,
      mac: target.mac,
      command: 0,
      bytes,
      pace: { window: 1, most: 1, timeout: 100, isHeld: false, answered: () => {}, lost: () => {} } as never,
      timeout: 1000,
      onAnswer: () => {
        throw new RangeError('a field does not fit');
      },
      onFailure: resolve,
    });
  });
  t.is((await failed).message, 'trying: a field does not fit');
  stop.stop();
  t.is((await target.read(0, 8)).length, 4096);
});

test('ten thousand stations are bounded, and that is told', async (t) => {
  const segment = new MemorySegment();
  const link = segment.join(INITIATOR_MAC);
  const crowd = segment.join(0x02_00_00_00_00_66);
  crowd.onFrame = (bytes) => {
    const frame = parseFrame(bytes);
    if (frame.kind !== 'config' || frame.header.flags & 8) return;
    for (let index = 0; index < 10_000; index++) {
      const header = { ...frame.header, flags: 8, major: index >> 4, minor: index & 15 };
      const ethernet = { destination: frame.ethernet.source, source: 0x02_66_00_00_00_00 + index };
      crowd.send(buildFrame({ ...frame, ethernet, header, config: { ...frame.config, bufferCount: 16 } }));
    }
  };
  const found = await discover(link, { wait: 30 });
  t.is(found.length, 1000);
  t.true(found.every(({ fault }) => fault !== null));
});

test('3: who answers in place of the station that was asked for its disk is not taken, counted and told', async (t) => {
  const segment = new MemorySegment();
  const link = segment.join(INITIATOR_MAC);
  const fake = new FakeTarget(segment.join(TARGET_MAC));
  const forger = segment.join(0x02_00_00_00_00_66);
  let forged = 0;
  // It hears the question, as on a wire without a switch, and answers with another address, or from another one.
  forger.onFrame = (bytes) => {
    const request = parseFrame(bytes);
    if (request.kind !== 'ata' || request.header.flags & 8) return;
    const { ethernet, header } = fake.envelope(request);
    const ata = { ...request.ata, cmdStatus: 0x40 };
    for (const [source, minor] of [
      [0x02_00_00_00_00_66, header.minor],
      [TARGET_MAC, 9],
    ] as const) {
      forged++;
      const envelope = { ethernet: { ...ethernet, source }, header: { ...header, minor } };
      forger.send(buildFrame({ kind: 'ata', ...envelope, ata, data: Buffer.alloc(512, 0x66) }));
    }
  };
  const [found, ...more] = await discover(link, { wait: 60 });
  t.deepEqual(more, []);
  t.is(found?.fault, null);
  t.true(forged >= 2);
  const { strays } = initiatorOf(link);
  t.is(strays.answers, forged);
  t.deepEqual(strays.stations, ['02:00:00:00:00:66', '02:00:00:00:00:02']);
});

import test from 'ava';
import { LabError } from '../../../src/base/errors.js';
import { AtaCommand, type AtaFrame, type Frame, SECTOR } from '../../../src/wire/aoe/index.js';
import {
  AoeAnswerError,
  AtaAnswerError,
  initiatorOf,
  NoAnswerError,
  openTarget,
} from '../../../src/wire/initiator/index.js';
import { MemorySegment } from '../../../src/wire/link/index.js';
import { FakeTarget, repeatable } from './fake-target.js';
import { INITIATOR_MAC, makeLab, pattern, TARGET_MAC } from './lab.js';

test.serial('a target that is not there is reported in bounded time', async (t) => {
  const link = new MemorySegment().join(INITIATOR_MAC);
  const error = await t.throwsAsync(openTarget(link, { shelf: 0, slot: 1 }, { findTimeout: 50 }), {
    instanceOf: NoAnswerError,
  });
  t.regex(String(error?.message), /^looking for e0\.1 on memory0: e0\.1 did not answer within 0\.1 s/);
});

test.serial(
  'a target that falls silent fails all that waits, and serves again when it is back',
  async (t) => {
    const { fake, target } = await makeLab({ sectors: 256, bufferCount: 4 }, { timeout: 100 });
    fake.deaf = true;
    const outcomes = await Promise.allSettled([
      target.read(0, 100),
      target.read(100, 100),
      target.write(0, pattern(512)),
    ]);
    for (const outcome of outcomes) {
      if (outcome.status === 'fulfilled') t.fail();
      else t.true(outcome.reason instanceof NoAnswerError);
    }
    fake.deaf = false;
    fake.disk.set(pattern(fake.disk.length));
    t.deepEqual(await target.read(0, 256), fake.disk);
  },
);

test.serial('closing the initiator fails what is under way', async (t) => {
  const { fake, target, link } = await makeLab();
  fake.deaf = true;
  const reading = target.read(0, 8);
  initiatorOf(link).close();
  await t.throwsAsync(reading, { message: /the initiator was closed/ });
});

test.serial('an ATA error is named by its registers', async (t) => {
  const { target } = await makeLab({ refused: [AtaCommand.readSectorsExt] });
  const error = await t.throwsAsync(target.read(0, 8), { instanceOf: AtaAnswerError });
  t.is(
    error?.message,
    'reading sector 0 of e0.1: e0.1 answered with an ATA error: status 0x41 (DRDY ERR), error 0x04 (ABRT)',
  );
});

test.serial(
  'N16: a write that a target aborts tells what may be the reason, and where that is told',
  async (t) => {
    const { target } = await makeLab({ refused: [AtaCommand.writeSectorsExt, AtaCommand.readSectorsExt] });
    const write = await t.throwsAsync<AtaAnswerError>(target.write(0, Buffer.alloc(512)));
    t.regex(
      String(write.facts.next),
      /read-only: aoe-lab status --json .*full, or fails: aoe-lab logs e0\.1 on its host/,
    );
    const read = await t.throwsAsync<AtaAnswerError>(target.read(0, 8));
    t.deepEqual(read.facts.next, [
      'its file or disk may fail: aoe-lab logs e0.1 on its host tells what its target says of it',
    ]);
  },
);

test.serial('the error of a reserved target is named', async (t) => {
  const { fake, target } = await makeLab();
  fake.options.answer = (request) => ({ ...(request as AtaFrame), ...fake.envelope(request, 6) });
  const error = await t.throwsAsync(target.write(0, pattern(512)), { instanceOf: AoeAnswerError });
  t.is(error?.code, 6);
  t.regex(String(error?.message), /AoE error 6 \(target is reserved\)/);
});

test.serial('an answer with less data than asked for is an error', async (t) => {
  const { fake, target } = await makeLab();
  fake.options.answer = (request) => ({
    ...(request as AtaFrame),
    ...fake.envelope(request),
    ata: { ...(request as AtaFrame).ata, cmdStatus: 0x40 },
    data: Buffer.alloc(512),
  });
  await t.throwsAsync(target.read(0, 2), { message: /less data than the 1024 bytes/ });
});

test.serial('an answer that can not be read is named when the target is given up', async (t) => {
  const { fake, target } = await makeLab({}, { timeout: 50 });
  fake.options.answer = (request) => ({
    ...fake.envelope(request),
    kind: 'unknown',
    // A config section whose string would be longer than the frame.
    body: Buffer.from('0000000000100400'.padEnd(72, '0'), 'hex'),
  });
  await t.throwsAsync(target.queryConfig(), {
    message: /can't be read: string length: 1024 bytes are announced/,
  });
});

for (const [lba, count] of [
  [64, 1],
  [63, 2],
  [0, 65],
  [-1, 1],
  [0.5, 1],
] as const) {
  test.serial(`reading ${count} sectors at ${lba} of 64 is not even asked for`, async (t) => {
    const { fake, target } = await makeLab();
    const before = fake.requests.length;
    await t.throwsAsync(target.read(lba, count), { instanceOf: LabError });
    await t.throwsAsync(target.write(lba, Buffer.alloc(count * SECTOR)), { instanceOf: LabError });
    t.is(fake.requests.length, before);
  });
}

test.serial('half a sector is not written', async (t) => {
  const { target } = await makeLab();
  await t.throwsAsync(target.write(0, Buffer.alloc(256)), { message: /only whole sectors/ });
});

test.serial('answers from elsewhere, for others, or to nothing are ignored', async (t) => {
  const segment = new MemorySegment();
  const link = segment.join(INITIATOR_MAC);
  const fake = new FakeTarget(segment.join(TARGET_MAC));
  fake.disk.set(pattern(fake.disk.length));
  // Another station answers every read first, with zeros, from its own address; so does one that calls itself e0.2.
  const liar = new FakeTarget(segment.join(0x02_00_00_00_00_03));
  liar.options.answer = (request) =>
    request.kind === 'ata'
      ? {
          ...request,
          ...liar.envelope(request),
          ata: { ...request.ata, cmdStatus: 0x40 },
          data: Buffer.alloc(1024),
        }
      : fake.options.answer?.(request);
  liar.deaf = true;
  const target = await openTarget(link, { shelf: 0, slot: 1 });
  liar.deaf = false;
  t.deepEqual(await target.read(0, 64), fake.disk);
  t.true(liar.ataRequests.length > 0);
});

test.serial('requests use the widest commands of the device, and only those it has', async (t) => {
  for (const lba48 of [false, true]) {
    const { fake, target } = await makeLab({ identify: { lba48 } });
    await target.write(2, pattern(1024));
    t.deepEqual(await target.read(2, 2), pattern(1024));
    const [, write, read] = fake.ataRequests.map(({ ata }) => ata);
    t.deepEqual([write?.cmdStatus, read?.cmdStatus], lba48 ? [0x34, 0x24] : [0x30, 0x20]);
    t.deepEqual([write?.flags, read?.flags], lba48 ? [0x41, 0x40] : [0x01, 0x00]);
    t.deepEqual([write?.lba, write?.count], [2, 2]);
  }
});

const sizes: [mtu: number, maxSectors: number, expected: number][] = [
  [533, 2, 0],
  [534, 2, 1],
  [1500, 2, 2],
  [1500, 17, 2],
  [9000, 17, 17],
  [9000, 2, 2],
  [9000, 0, 2],
  [65536, 255, 127],
];
for (const [mtu, maxSectors, expected] of sizes) {
  test.serial(
    `at MTU ${mtu} a target that takes ${maxSectors} sectors is sent ${expected} in a frame`,
    async (t) => {
      if (expected === 0) {
        await t.throwsAsync(makeLab({ maxSectors }, {}, mtu), { message: /no sector fits/ });
        return;
      }
      const { fake, target } = await makeLab({ maxSectors, sectors: 300 }, {}, mtu);
      t.is(target.sectorsPerFrame, expected);
      await target.write(0, pattern(300 * SECTOR));
      t.deepEqual(fake.disk, pattern(300 * SECTOR));
      t.is(Math.max(...fake.ataRequests.map(({ ata }) => ata.count)), Math.min(expected, 300));
      t.is(fake.ataRequests.length, 1 + Math.ceil(300 / expected));
    },
  );
}

const windows: [bufferCount: number, window: number | undefined, expected: number][] = [
  [16, undefined, 16],
  [16, 5, 5],
  [3, 100, 3],
  [1, undefined, 1],
  [0, undefined, 1],
];
for (const [bufferCount, window, expected] of windows) {
  test.serial(
    `with ${bufferCount} buffers and window ${window} exactly ${expected} requests are under way`,
    async (t) => {
      const { fake, target } = await makeLab({ bufferCount, thinks: 3, sectors: 256 }, { window });
      fake.mostUnderWay = 0;
      await Promise.all([target.read(0, 256), target.write(0, pattern(256 * SECTOR))]);
      t.is(fake.mostUnderWay, expected);
    },
  );
}

const misfortunes: [title: string, fate: (random: () => number) => number[]][] = [
  ['a tenth of all frames is lost', (random) => (random() < 0.1 ? [] : [0])],
  ['every frame arrives twice', () => [0, 0]],
  ['frames overtake each other', (random) => [Math.floor(random() * 8)]],
  [
    'frames are lost, repeated, delayed and overtaken',
    (random) =>
      random() < 0.1 ? [] : random() < 0.2 ? [0, Math.floor(random() * 30)] : [Math.floor(random() * 8)],
  ],
];
for (const [title, fate] of misfortunes) {
  test.serial(`data are right and the window is kept though ${title}`, async (t) => {
    const random = repeatable(7);
    const { fake, target } = await makeLab({ sectors: 128, bufferCount: 8 });
    fake.options.fateIn = () => fate(random);
    fake.options.fateOut = () => fate(random);
    const data = pattern(fake.disk.length);
    await target.write(0, data);
    t.deepEqual(fake.disk, data);
    t.deepEqual(await target.read(0, 128), data);
    t.true(fake.mostUnderWay <= 8);
    const tags = new Set(fake.requests.map(({ header }) => header.tag));
    t.is(tags.size, 2 + 128, 'each request has a tag of its own, and keeps it when it is repeated');
  });
}

test.serial('an answer that comes again later is not taken for that of another request', async (t) => {
  const { fake, target } = await makeLab({ sectors: 64, bufferCount: 1, fateOut: () => [0, 50] });
  fake.disk.set(pattern(fake.disk.length));
  for (let lba = 0; lba < 64; lba++) {
    t.deepEqual(await target.read(lba, 1), fake.disk.subarray(lba * SECTOR, (lba + 1) * SECTOR));
  }
});

const flushes: [title: string, refused: number[], lba48: boolean, expected: boolean, commands: number[]][] = [
  ['knows neither flush', [0xea, 0xe7], true, false, [0xea, 0xe7]],
  ['knows FLUSH CACHE alone', [0xea], true, true, [0xea, 0xe7]],
  ['knows FLUSH CACHE EXT', [], true, true, [0xea]],
  ['has no LBA48', [], false, true, [0xe7]],
];
for (const [title, refused, lba48, expected, commands] of flushes) {
  test.serial(`flushing a target that ${title}`, async (t) => {
    const { fake, target } = await makeLab({ refused, identify: { lba48 } });
    t.is(await target.flush(), expected);
    t.deepEqual(
      fake.ataRequests.slice(1).map(({ ata }) => ata.cmdStatus),
      commands,
    );
  });
}

test.serial('a flush that fails is an error, not a missing command', async (t) => {
  const { fake, target } = await makeLab();
  fake.options.answer = (request) => ({
    ...(request as AtaFrame),
    ...fake.envelope(request),
    ata: { ...(request as AtaFrame).ata, cmdStatus: 0x61, errFeature: 0 },
  });
  await t.throwsAsync(target.flush(), { message: /status 0x61 \(DRDY DF ERR\)/ });
});

test.serial('the config string is set once, tested, and set by force', async (t) => {
  const { target } = await makeLab();
  const text = (string: string) => Buffer.from(string);
  t.is((await target.queryConfig())?.configString.length, 0);
  t.deepEqual((await target.queryConfig({ ccmd: 3, string: text('one') }))?.configString, text('one'));
  const error = await t.throwsAsync(target.queryConfig({ ccmd: 3, string: text('two') }), {
    instanceOf: AoeAnswerError,
  });
  t.is(error?.code, 4);
  t.is(await target.queryConfig({ ccmd: 1, string: text('two') }), undefined);
  t.deepEqual((await target.queryConfig({ ccmd: 2, string: text('on') }))?.configString, text('one'));
  t.deepEqual((await target.queryConfig({ ccmd: 4, string: text('two') }))?.configString, text('two'));
});

test.serial('identify tells model, serial number and size', async (t) => {
  const { target } = await makeLab({ sectors: 100 });
  const identity = await target.identify();
  t.is(identity.model, 'Fake for tests');
  t.is(identity.serial, 'F-1');
  t.is(await target.sectors(), 100);
});

test.serial('the first query is repeated until the target is there', async (t) => {
  let left = 2;
  const { target } = await makeLab({
    fateIn: (frame: Frame) => (frame.kind === 'config' && left-- > 0 ? [] : [0]),
  });
  t.true(left < 0);
  t.is((await target.identify()).serial, 'F-1');
});

import test from 'ava';
import fc from 'fast-check';
import { SECTOR } from '../../../src/wire/aoe/index.js';
import { readStream, writeStream } from '../../../src/wire/initiator/index.js';
import { makeLab, pattern } from './lab.js';

const SECTORS = 9000;

async function collect(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

test.serial('a stream that ends within a sector is an error, and what was whole is written', async (t) => {
  const { fake, target } = await makeLab();
  const error = await t.throwsAsync(writeStream(target, 1, [pattern(1024 + 7)]));
  t.regex(String(error?.message), /ends 7 bytes behind a sector's border/);
  t.deepEqual(fake.disk.subarray(512, 1536), pattern(1024));
  t.true(fake.disk.subarray(1536).equals(Buffer.alloc(fake.disk.length - 1536)));
});

test.serial('a stream longer than the device is an error that tells what was written', async (t) => {
  const { fake, target } = await makeLab({ sectors: SECTORS });
  const data = pattern((SECTORS + 3) * SECTOR);
  for (const from of [0, SECTORS - 1]) {
    const acknowledged: number[] = [];
    const written = writeStream(target, from, [data], (bytes) => void acknowledged.push(bytes));
    await t.throwsAsync(written, {
      message: new RegExp(`ends at sector ${SECTORS}, and .* first ${(SECTORS - from) * SECTOR} bytes`),
    });
    t.is(acknowledged.at(-1), (SECTORS - from) * SECTOR);
    t.true(fake.disk.subarray(from * SECTOR).equals(data.subarray(0, (SECTORS - from) * SECTOR)));
  }
  await t.throwsAsync(writeStream(target, SECTORS + 1, [Buffer.alloc(SECTOR)]), { message: /first 0 bytes/ });
  // Too long by less than a sector: padding would not help.
  await t.throwsAsync(writeStream(target, SECTORS - 1, [pattern(SECTOR + 100)]), {
    message: new RegExp(`ends at sector ${SECTORS}, and .* first ${SECTOR} bytes were written$`),
  });
  await t.throwsAsync(collect(readStream(target, { from: SECTORS - 1, count: 2 })), {
    message: new RegExp(`ends at sector ${SECTORS}`),
  });
});

test.serial('what an error calls written is flushed, or called no more than that', async (t) => {
  for (const [knowsFlush, told] of [
    [true, /were written$/],
    [false, /were written, as far as is known: the target knows no flush$/],
  ] as const) {
    const { fake, target } = await makeLab({ sectors: 4, refused: knowsFlush ? [] : [0xe7, 0xea] });
    await t.throwsAsync(writeStream(target, 0, [Buffer.alloc(5 * SECTOR)]), { message: told });
    await t.throwsAsync(writeStream(target, 0, [Buffer.alloc(SECTOR + 1)]), { message: told });
    const flushes = fake.ataRequests.filter(({ ata }) => [0xe7, 0xea].includes(ata.cmdStatus));
    t.true(flushes.length >= 2);
  }
});

test.serial('so is one whose end is passed over as zeros', async (t) => {
  const { target } = await makeLab({ sectors: 4 });
  t.is(await writeStream(target, 0, [Buffer.alloc(2 * SECTOR), { hole: 2 * SECTOR }]), 4 * SECTOR);
  await t.throwsAsync(writeStream(target, 0, [Buffer.alloc(2 * SECTOR), { hole: 3 * SECTOR }]), {
    message: /ends at sector 4, and the stream goes on: its first 2048 bytes were written/,
  });
});

test.serial("the source's own failure comes through", async (t) => {
  const { target } = await makeLab({ sectors: SECTORS });
  const source = async function* () {
    yield Buffer.alloc(3 << 20);
    throw new Error('disk on fire');
  };
  await t.throwsAsync(writeStream(target, 0, source()), { message: 'disk on fire' });
});

test.serial('a target that falls silent ends both streams', async (t) => {
  const { fake, target } = await makeLab({ sectors: SECTORS }, { timeout: 50 });
  fake.deaf = true;
  await t.throwsAsync(writeStream(target, 0, [Buffer.alloc(4 << 20)]), { message: /did not answer/ });
  await t.throwsAsync(collect(readStream(target, { from: 0, count: SECTORS })), {
    message: /did not answer/,
  });
});

test.serial('nothing at all is read and written without a frame', async (t) => {
  const { fake, target } = await makeLab();
  const before = fake.requests.length;
  t.is(await writeStream(target, 0, []), 0);
  t.is((await collect(readStream(target, { from: 64, count: 0 }))).length, 0);
  t.is(fake.requests.length, before);
});

for (const [mtu, maxSectors] of [
  [1500, 2],
  [9000, 17],
] as const) {
  test.serial(`some MiB go out and come back in order at MTU ${mtu}`, async (t) => {
    const { fake, target } = await makeLab({ sectors: SECTORS, maxSectors }, {}, mtu);
    const data = pattern((SECTORS - 3) * SECTOR);
    t.is(await writeStream(target, 3, [data.subarray(0, 1_000_001), data.subarray(1_000_001)]), data.length);
    t.true(fake.disk.subarray(3 * SECTOR).equals(data));
    t.true((await collect(readStream(target, { from: 3, count: SECTORS - 3 }))).equals(data));
    const short = fake.ataRequests.filter(
      ({ ata }) => ata.count < target.sectorsPerFrame && ata.cmdStatus !== 0xec,
    );
    t.true(short.length <= 2, 'only the last frame of each direction is short');
  });
}

test.serial('the window stays full over the borders of chunks', async (t) => {
  const { fake, target } = await makeLab({ sectors: SECTORS, bufferCount: 16, thinks: 2 });
  fake.mostUnderWay = 0;
  let taken = 0;
  for await (const chunk of readStream(target, { from: 0, count: SECTORS })) {
    taken += chunk.length;
    if (taken < fake.disk.length)
      t.true(fake.ataRequests.length * 1024 > taken, 'the next chunk is under way');
  }
  t.is(taken, fake.disk.length);
  t.is(fake.mostUnderWay, 16);
});

test.serial('a reader who leaves early leaves nothing under way', async (t) => {
  const { fake, target } = await makeLab({ sectors: SECTORS });
  for await (const _ of readStream(target, { from: 0, count: SECTORS })) break;
  const asked = fake.requests.length;
  await new Promise(setImmediate);
  t.is(fake.requests.length, asked);
});

test.serial('however the source divides its bytes, the same is written', async (t) => {
  const { fake, target } = await makeLab();
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(3000), { maxLength: 10 }), async (lengths) => {
      fake.disk.fill(0);
      const total = lengths.reduce((sum, length) => sum + length, 0);
      const data = pattern(Math.ceil(total / SECTOR) * SECTOR);
      const reused = Buffer.alloc(3000 + SECTOR);
      const source = async function* () {
        let offset = 0;
        for (const length of [...lengths, data.length - total]) {
          reused.set(data.subarray(offset, offset + length));
          yield reused.subarray(0, length);
          reused.fill(0xee);
          offset += length;
        }
      };
      t.is(await writeStream(target, 0, source()), data.length);
      t.deepEqual(fake.disk.subarray(0, data.length), data);
    }),
    { numRuns: 50 },
  );
});

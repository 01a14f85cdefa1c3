import { execFileSync, spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import test from 'ava';
import { digestOf } from '../../../src/base/digest.js';
import { LabError, UsageError } from '../../../src/base/errors.js';
import { SECTOR } from '../../../src/wire/aoe/index.js';
import { copyTo, copyToFile, copyToStream, rangeOf } from '../../../src/wire/initiator/copy.js';
import { type Input, openInput } from '../../../src/wire/initiator/input.js';
import { makeLab, pattern } from './lab.js';

function piped(...chunks: Buffer[]): Input {
  return { data: Readable.from(chunks), size: undefined, modified: undefined };
}

async function withFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'aoe-lab-test-'));
  try {
    await body(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

const faultyRanges: [title: string, offset: number, length: number | undefined, message: RegExp][] = [
  ['an offset within a sector', 100, undefined, /offset of 100 bytes is not at a sector's border/],
  ['a length of half a sector', 0, 256, /length of 256 bytes is not at a sector's border/],
  ['an offset behind the end', 65 * SECTOR, undefined, /ends at 32768 bytes/],
  ['a length beyond the end', 63 * SECTOR, 2 * SECTOR, /ends at 32768 bytes/],
];
for (const [title, offset, length, message] of faultyRanges) {
  test(`${title} is refused`, async (t) => {
    const { target } = await makeLab();
    await t.throwsAsync(rangeOf(target, offset, length), { instanceOf: UsageError, message });
  });
}

test('N17: what is told of a range that can not be is what was meant, and can be done', async (t) => {
  const { target } = await makeLab();
  const told = async (...[offset, length, input]: [number, number, string?]) => {
    const error = await t.throwsAsync<UsageError>(rangeOf(target, offset, length, input));
    return [error.facts.tried, error.facts.next];
  };
  const small = 'take a multiple of 512, such as 512';
  t.deepEqual(await told(0, 100), ['reading 100 bytes at 0 of e0.1', small]);
  t.deepEqual(await told(100, 512), [
    'reading 512 bytes at 100 of e0.1',
    'take a multiple of 512, such as 0',
  ]);
  t.deepEqual(await told(512, 65 * SECTOR, 'a.img'), [
    'writing a.img (33280 bytes) at 512 of e0.1',
    'take a smaller input or --offset',
  ]);
});

test('without a length the range goes to the end', async (t) => {
  const { target } = await makeLab();
  t.deepEqual(await rangeOf(target, 1024, undefined), { from: 2, count: 62 });
  t.deepEqual(await rangeOf(target, 1024, 512), { from: 2, count: 1 });
  t.deepEqual(await rangeOf(target, 64 * SECTOR, undefined), { from: 64, count: 0 });
});

test('input that is not there, or no whole sectors, is refused before anything is written', async (t) => {
  await withFolder(async (folder) => {
    await t.throwsAsync(openInput(join(folder, 'none')), { instanceOf: UsageError, message: /ENOENT/ });
    await writeFile(join(folder, 'odd'), Buffer.alloc(513));
    const error = await t.throwsAsync(openInput(join(folder, 'odd')), { instanceOf: UsageError });
    t.regex(String(error?.message), /513 bytes are no whole number of sectors/);
  });
});

test('N17: a folder as input is refused by its name', async (t) => {
  await withFolder(async (folder) => {
    const error = await t.throwsAsync(openInput(folder), {
      instanceOf: UsageError,
      message: /it is a folder/,
    });
    t.is(error?.facts.tried, `reading ${folder}`);
  });
});

test('A13: a pipe that nobody writes to is given up as input, and one that is written to goes to the device', async (t) => {
  await withFolder(async (folder) => {
    const path = join(folder, 'pipe');
    execFileSync('mkfifo', [path]);
    const nobody = { instanceOf: UsageError, message: /a pipe that nobody writes to/ };
    await t.throwsAsync(openInput(path, 0), nobody);
    const { fake, target } = await makeLab();
    const data = pattern(20 * SECTOR);
    await writeFile(join(folder, 'data'), data);
    const writer = spawn('sh', [
      '-c',
      'exec > "$0"; sleep 0.1; head -c 1000 "$1"; sleep 0.1; tail -c +1001 "$1"',
      path,
      join(folder, 'data'),
    ]);
    const report = await copyTo(target, 7, await openInput(path));
    t.is(report.sha256, digestOf(data));
    t.deepEqual(fake.disk.subarray(7 * SECTOR, 27 * SECTOR), data);
    t.is(writer.exitCode ?? 0, 0);
  });
});

test('a file goes to the device and comes back, with digests', async (t) => {
  await withFolder(async (folder) => {
    const { fake, target } = await makeLab();
    const data = pattern(20 * SECTOR);
    await writeFile(join(folder, 'in'), data);
    const input = await openInput(join(folder, 'in'));
    t.is(input.size, data.length);
    const seen: number[] = [];
    const written = await copyTo(target, 7, input, { onProgress: (done) => seen.push(done) });
    t.like(written, {
      address: 'e0.1',
      mac: '02:00:00:00:00:02',
      offset: 7 * SECTOR,
      bytes: data.length,
      sha256: digestOf(data),
      flushed: true,
    });
    t.is(seen.at(-1), data.length);
    t.deepEqual(fake.disk.subarray(7 * SECTOR, 27 * SECTOR), data);
    const report = await copyToFile(target, { from: 7, count: 20 }, join(folder, 'out'));
    t.is(report.sha256, digestOf(data));
    t.deepEqual(await readFile(join(folder, 'out')), data);
  });
});

test('a target without flush is written to, and that is told', async (t) => {
  const { target } = await makeLab({ refused: [0xe7, 0xea] });
  const report = await copyTo(target, 0, piped(pattern(512)));
  t.false(report.flushed);
});

test('a stream receives the data and is left open', async (t) => {
  const { fake, target } = await makeLab();
  fake.disk.set(pattern(fake.disk.length));
  const output = new PassThrough({ highWaterMark: 1 << 20 });
  const report = await copyToStream(target, { from: 0, count: 64 }, output);
  t.is(report.bytes, fake.disk.length);
  t.deepEqual(output.read(), fake.disk);
  t.true(output.writable);
});

test('data: when reading fails a new file is removed, and one that was there keeps what it had', async (t) => {
  await withFolder(async (folder) => {
    const { target } = await makeLab({ refused: [0x24] });
    await writeFile(join(folder, 'old'), 'x');
    for (const name of ['old', 'new']) {
      await t.throwsAsync(copyToFile(target, { from: 0, count: 1 }, join(folder, name)), {
        instanceOf: LabError,
        message: /ATA error/,
      });
    }
    t.deepEqual(await readdir(folder), ['old']);
    t.is(await readFile(join(folder, 'old'), 'utf8'), 'x');
  });
});

test('a file that can not be made is an error', async (t) => {
  await withFolder(async (folder) => {
    const { target } = await makeLab();
    const path = join(folder, 'no', 'such', 'folder');
    await t.throwsAsync(copyToFile(target, { from: 0, count: 1 }, path), {
      instanceOf: LabError,
      message: /opening .*ENOENT/,
    });
  });
});

import {
  chown,
  lchown,
  mkdir,
  readdir,
  readFile,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import test from 'ava';
import fc from 'fast-check';
import { digestOf } from '../../../src/base/digest.js';
import { LabError, UsageError } from '../../../src/base/errors.js';
import { AtaCommand, type AtaFrame, type Frame, SECTOR } from '../../../src/wire/aoe/index.js';
import { copyTo, copyToFile } from '../../../src/wire/initiator/copy.js';
import { openInput } from '../../../src/wire/initiator/input.js';
import { punched } from '../../../src/wire/initiator/sparse.js';
import { temporaryFolder } from '../../base/temporary.js';
import { noRoot, testUnless } from '../../live/support/machine.js';
import { loopOn } from '../../live/support/own-dev.js';
import { makeLab, pattern } from './lab.js';

const SECTORS = 20_480;
const WHOLE = { from: 0, count: SECTORS };
const RECORD = { recordEvery: 1 << 20 };

/** A device of 10 MiB of which sectors from some number on fail until it is repaired. */
async function makeAiling() {
  let brokenFrom = Number.POSITIVE_INFINITY;
  const lab = await makeLab(
    {
      sectors: SECTORS,
      maxSectors: 16,
      answer: (request): Frame | undefined => {
        if (request.kind !== 'ata' || request.ata.lba < brokenFrom || request.ata.count === 0)
          return undefined;
        const ata = { ...request.ata, cmdStatus: 0x41, errFeature: 0x40 };
        return { ...lab.fake.envelope(request), kind: 'ata', ata, data: Buffer.alloc(0) };
      },
    },
    {},
    9000,
  );
  return { ...lab, breakFrom: (sector: number) => (brokenFrom = sector) };
}

const commands = (frames: readonly AtaFrame[], command: number): AtaFrame[] =>
  frames.filter(({ ata }) => ata.cmdStatus === command);

test('HOSTILE: a record of the place reached is written beside nothing that can be foreseen, and through no link', async (t) => {
  const folder = await temporaryFolder(t);
  const [output, resume] = [join(folder, 'out'), join(folder, 'out.resume')];
  await writeFile(join(folder, 'theirs'), 'theirs');
  await symlink('theirs', `${resume}.new`);
  const { target, breakFrom } = await makeAiling();
  breakFrom(15_000);
  await t.throwsAsync(copyToFile(target, WHOLE, output, { ...RECORD, resume }), { message: /UNC/ });
  t.is(await readFile(join(folder, 'theirs'), 'utf8'), 'theirs');
  t.deepEqual((await readdir(folder)).sort(), ['out', 'out.resume', 'out.resume.new', 'theirs']);
  if (process.getuid?.() !== 0) return;
  const open = join(folder, 'open');
  await mkdir(open);
  await chown(open, 1000, 1000);
  await symlink('..', join(open, 'link'));
  await lchown(join(open, 'link'), 1000, 1000);
  const led = copyToFile(target, WHOLE, `${output}.2`, { ...RECORD, resume: join(open, 'link', 'record') });
  await t.throwsAsync(led, { message: /link is a link, and user 1000 may write to/ });
  t.false((await readdir(folder)).includes('record'));
});

test('data: a record by the name of the output would replace it, and go with it: refused, and nothing is left', async (t) => {
  const folder = await temporaryFolder(t);
  const output = join(folder, 'out');
  const { target } = await makeLab({ sectors: SECTORS, maxSectors: 16 }, {}, 9000);
  const copy = copyToFile(target, WHOLE, output, { ...RECORD, resume: join(folder, '.', 'out') });
  await t.throwsAsync(copy, { instanceOf: UsageError, message: /that is the file it is copied to/ });
  t.deepEqual(await readdir(folder), []);
});

testUnless(
  noRoot(),
  'data: a disk that has no room for all is not overwritten; a copy to one that has is gone on with',
  async (t) => {
    const folder = await temporaryFolder(t);
    const [small, resume] = [join(folder, 'small'), join(folder, 'resume')];
    await writeFile(small, 'precious');
    const device = await loopOn(t, small, 1 << 20);
    const { fake, target, breakFrom } = await makeAiling();
    fake.disk.set(pattern(fake.disk.length));
    await t.throwsAsync(copyToFile(target, WHOLE, device, {}), {
      instanceOf: UsageError,
      message: /it has 1048576 bytes, and 10485760 are to be copied/,
    });
    t.is((await readFile(small)).subarray(0, 8).toString(), 'precious');

    const disk = await loopOn(t, join(folder, 'large'), SECTORS * SECTOR);
    breakFrom(15_000);
    await t.throwsAsync(copyToFile(target, WHOLE, disk, { ...RECORD, resume }), { message: /UNC/ });
    breakFrom(Number.POSITIVE_INFINITY);
    const report = await copyToFile(target, WHOLE, disk, { ...RECORD, resume });
    t.true(report.resumedAt > 0);
    t.is(report.sha256, digestOf(Buffer.from(fake.disk)));
  },
);

test('reading that was stopped goes on where it was, and the file and its digest are whole', async (t) => {
  const folder = await temporaryFolder(t);
  const [output, resume] = [join(folder, 'out'), join(folder, 'out.resume')];
  const { fake, target, breakFrom } = await makeAiling();
  fake.disk.set(pattern(fake.disk.length));
  breakFrom(15_000);
  await t.throwsAsync(copyToFile(target, WHOLE, output, { ...RECORD, resume }), { message: /UNC/ });
  const { done } = JSON.parse(await readFile(resume, 'utf8')) as { done: number };
  t.true(done >= 5 << 20 && done <= 15_000 * SECTOR, `${done}`);
  t.deepEqual(await readdir(folder), ['out', 'out.resume']);
  // HOSTILE 10: what disks hold is nobody else's.
  t.deepEqual(
    await Promise.all([output, resume].map(async (path) => (await stat(path)).mode & 0o777)),
    [0o600, 0o600],
  );
  breakFrom(Number.POSITIVE_INFINITY);
  const before = commands(fake.ataRequests, AtaCommand.readSectorsExt).length;
  // What is behind the recorded place may be anything.
  await truncate(output, done + 100_000);
  const report = await copyToFile(target, WHOLE, output, { ...RECORD, resume });
  t.like(report, { bytes: SECTORS * SECTOR, resumedAt: done, sha256: digestOf(fake.disk) });
  t.true((await readFile(output)).equals(fake.disk));
  t.deepEqual(await readdir(folder), ['out']);
  const again = commands(fake.ataRequests, AtaCommand.readSectorsExt).slice(before);
  t.true(again.every(({ ata }) => ata.lba * SECTOR >= done));
});

test('writing that was stopped goes on where the target had flushed, and all arrives', async (t) => {
  const folder = await temporaryFolder(t);
  const [path, resume] = [join(folder, 'in'), join(folder, 'in.resume')];
  const data = pattern(SECTORS * SECTOR);
  await writeFile(path, data);
  const { fake, target, breakFrom } = await makeAiling();
  breakFrom(15_000);
  const options = { ...RECORD, resume };
  await t.throwsAsync(copyTo(target, 0, await openInput(path), options), { message: /UNC/ });
  const { done } = JSON.parse(await readFile(resume, 'utf8')) as { done: number };
  t.true(done >= 1 << 20 && done <= 15_000 * SECTOR, `${done}`);
  t.true(commands(fake.ataRequests, AtaCommand.flushCacheExt).length >= 1);
  t.true(fake.disk.subarray(0, done).equals(data.subarray(0, done)));
  breakFrom(Number.POSITIVE_INFINITY);
  const before = commands(fake.ataRequests, AtaCommand.writeSectorsExt).length;
  const report = await copyTo(target, 0, await openInput(path), options);
  t.like(report, { bytes: data.length, resumedAt: done, sha256: digestOf(data), flushed: true });
  t.true(fake.disk.equals(data));
  t.deepEqual(await readdir(folder), ['in']);
  const again = commands(fake.ataRequests, AtaCommand.writeSectorsExt).slice(before);
  t.true(again.every(({ ata }) => ata.lba * SECTOR >= done));
});

test('another copy, a changed input, a file that is none, and an output too short are refused', async (t) => {
  const folder = await temporaryFolder(t);
  const [output, resume] = [join(folder, 'out'), join(folder, 'r')];
  const { target, breakFrom } = await makeAiling();
  breakFrom(15_000);
  const options = { ...RECORD, resume };
  await t.throwsAsync(copyToFile(target, WHOLE, output, options), { instanceOf: LabError });
  await t.throwsAsync(copyToFile(target, { from: 1, count: SECTORS - 1 }, output, options), {
    instanceOf: UsageError,
    message: /another copy: offset was 0 and is 512, length was 10485760 and is 10485248/,
  });
  await writeFile(output, 'x');
  await t.throwsAsync(copyToFile(target, WHOLE, output, options), {
    instanceOf: UsageError,
    message: /it has 1 bytes, and \d+ were copied before/,
  });
  await writeFile(resume, 'no record');
  await t.throwsAsync(copyToFile(target, WHOLE, output, options), {
    instanceOf: UsageError,
    message: /no record of a copy/,
  });
  const input = join(folder, 'in');
  const inOptions = { ...RECORD, resume: join(folder, 'in.resume') };
  await writeFile(input, pattern(SECTORS * SECTOR));
  await t.throwsAsync(copyTo(target, 0, await openInput(input), inOptions), { instanceOf: LabError });
  await truncate(input, 4096);
  await t.throwsAsync(copyTo(target, 0, await openInput(input), inOptions), {
    instanceOf: UsageError,
    message: /input was .* and is /,
  });
});

test('reading leaves holes for blocks of zeros, at the end too, unless told not to', async (t) => {
  const folder = await temporaryFolder(t);
  await mkdir(join(folder, 'd'));
  const { fake, target } = await makeLab({ sectors: SECTORS, maxSectors: 16 }, {}, 9000);
  fake.disk.set(pattern(64 << 10), 1 << 20);
  const sparse = await copyToFile(target, WHOLE, join(folder, 'sparse'));
  const full = await copyToFile(target, WHOLE, join(folder, 'full'), { sparse: false });
  t.is(sparse.sha256, full.sha256);
  t.is(sparse.zeroBytes, SECTORS * SECTOR - (64 << 10));
  t.is(full.zeroBytes, 0);
  for (const name of ['sparse', 'full']) t.true((await readFile(join(folder, name))).equals(fake.disk));
  const [less, more] = await Promise.all(['sparse', 'full'].map((name) => stat(join(folder, name))));
  t.true((less?.blocks ?? 0) * 512 <= 128 << 10, `${less?.blocks} blocks`);
  t.true((more?.blocks ?? 0) * 512 >= SECTORS * SECTOR);
});

test('writing leaves blocks of zeros out only where that is asked for', async (t) => {
  const { fake, target } = await makeLab({ sectors: SECTORS, maxSectors: 16 }, {}, 9000);
  const data = Buffer.alloc(4 << 20);
  data.set(pattern(10_000), 1_000_000);
  const piped = () => ({ data: Readable.from([data]), size: undefined, modified: undefined });
  const report = await copyTo(target, 100, piped(), { sparse: true });
  t.like(report, { bytes: data.length, sha256: digestOf(data) });
  // The data touch blocks of 4096 bytes from 999,424 to 1,011,712.
  t.is(report.zeroBytes, data.length - 12_288);
  t.true(fake.disk.subarray(51_200, 51_200 + data.length).equals(data));
  const sent = commands(fake.ataRequests, AtaCommand.writeSectorsExt);
  t.is(
    sent.reduce((sum, { ata }) => sum + ata.count, 0),
    24,
  );
  fake.disk.fill(0xff);
  t.is((await copyTo(target, 100, piped())).zeroBytes, 0);
  t.true(fake.disk.subarray(51_200, 51_200 + data.length).equals(data));
});

test('punched: data and holes together are the stream, whatever its chunks, and holes are whole blocks', async (t) => {
  const run = fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 20_000 }));
  await fc.assert(
    fc.asyncProperty(fc.array(run), fc.integer({ min: 1, max: 9000 }), async (parts, size) => {
      const whole = Buffer.concat(parts.map(([zero, length]) => Buffer.alloc(length, zero ? 0 : 7)));
      const chunks: Buffer[] = [];
      for (let at = 0; at < whole.length; at += size) chunks.push(whole.subarray(at, at + size));
      const found: Buffer[] = [];
      let holes = 0;
      let position = 0;
      for await (const part of punched(Readable.from(chunks), (bytes) => (holes += bytes))) {
        const bytes = 'hole' in part ? Buffer.alloc(part.hole) : Buffer.from(part);
        if ('hole' in part) t.deepEqual([position % 4096, part.hole % 4096], [0, 0]);
        if ('hole' in part) holes -= part.hole;
        position += bytes.length;
        found.push(bytes);
      }
      t.true(Buffer.concat(found).equals(whole));
      t.is(holes, 0);
    }),
    { numRuns: 60 },
  );
});

import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { fillSectors, isContent, MADE } from '../../../src/prove/bench/content.js';
import { makeBenchFile, sectorsWithout } from '../../../src/prove/bench/file.js';
import { SECTOR } from '../../../src/wire/aoe/index.js';
import { temporaryFolder } from '../../base/temporary.js';

test('content is told from other sectors, other bytes and parts of sectors', (t) => {
  const data = Buffer.alloc(4 * SECTOR);
  fillSectors(data, 100, 7);
  t.true(isContent(data, 100));
  t.false(isContent(data, 101));
  t.false(isContent(data.subarray(0, 700), 100));
  for (const at of [0, 3 * SECTOR + 1, 8, 4 * SECTOR - 1]) {
    const other = Buffer.from(data);
    other[at] = (other[at] as number) ^ 1;
    t.false(isContent(other, 100), `byte ${at}`);
  }
  // Who wrote it does not matter.
  data.writeUInt32LE(8, 4);
  t.true(isContent(data, 100));
});

test('a backing file holds its content in every sector, and every block is there', async (t) => {
  const path = join(await temporaryFolder(t), 'image');
  await makeBenchFile(path, 1_000 * SECTOR);
  const data = await readFile(path);
  t.is(data.length, 1_000 * SECTOR);
  t.true(isContent(data, 0));
  t.true((await stat(path)).blocks >= 1_000);
  t.deepEqual(await sectorsWithout(MADE, path, [0, 1, 999]), []);
  await t.throwsAsync(makeBenchFile(path, SECTOR), { code: 'EEXIST' });
});

test('sectors that somebody else wrote, or nobody, are named', async (t) => {
  const path = join(await temporaryFolder(t), 'image');
  await makeBenchFile(path, 8 * SECTOR);
  t.deepEqual(await sectorsWithout(0x101, path, [2, 5]), [2, 5]);
});

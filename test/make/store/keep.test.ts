import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { keep } from '../../../src/make/store/keep.js';
import { useStore } from '../source/helpers.js';

test.serial('a file is made once, and a folder too', async (t) => {
  const store = await useStore(t);
  let made = 0;
  const file = join(store, 'a', 'file');
  const make = async (at: string) => writeFile(at, String(++made));
  t.is(await keep(file, make), file);
  t.is(await keep(file, make), file);
  t.is(await readFile(file, 'utf8'), '1');
  const folder = join(store, 'b', 'folder');
  const fill = async (at: string) => {
    await mkdir(at);
    await make(join(at, 'inside'));
  };
  await keep(folder, fill);
  await keep(folder, fill);
  t.is(await readFile(join(folder, 'inside'), 'utf8'), '2');
  t.deepEqual(await readdir(join(store, 'tmp')), []);
});

test.serial('several at once: all have it, and none is left half made', async (t) => {
  const store = await useStore(t);
  const folder = join(store, 'folder');
  const fill = async (at: string) => {
    await mkdir(at);
    await writeFile(join(at, 'inside'), 'same');
  };
  const all = await Promise.all(Array.from({ length: 5 }, () => keep(folder, fill)));
  t.deepEqual(new Set(all), new Set([folder]));
  t.deepEqual(await readdir(folder), ['inside']);
  t.deepEqual(await readdir(join(store, 'tmp')), []);
});

test.serial('what fails leaves nothing, and what is not whole is made again', async (t) => {
  const store = await useStore(t);
  const folder = join(store, 'folder');
  const fails = keep(folder, async (at) => {
    await mkdir(at);
    throw new Error('no room');
  });
  await t.throwsAsync(fails, { message: 'no room' });
  t.deepEqual(await readdir(store), ['tmp']);
  await mkdir(folder);
  await writeFile(join(folder, 'torn'), '');
  const fill = async (at: string) => {
    await mkdir(at);
    await writeFile(join(at, 'whole'), '');
  };
  await keep(folder, fill, async (there) => (await readdir(there)).includes('whole'));
  t.deepEqual(await readdir(folder), ['whole']);
  t.deepEqual(await readdir(join(store, 'tmp')), []);
});

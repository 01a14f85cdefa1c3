import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import test from 'ava';
import { prune } from '../../tools/prune.js';
import { temporaryFolder } from '../base/temporary.js';

test('what was compiled of sources that are gone is removed, and nothing else', async (t) => {
  const root = await temporaryFolder(t);
  const files = [
    'src/base/errors.ts',
    'dist/src/base/errors.js',
    'dist/src/base/errors.js.map',
    'dist/src/base/errors.d.ts',
    'dist/src/errors.js',
    'dist/src/errors.js.map',
    'dist/src/errors.d.ts',
    'dist/test/errors.test.js',
    'dist/test/notes.txt',
    'dist/bin/aoe-lab.cjs',
    'dist/.tsbuildinfo',
  ];
  for (const path of files) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), '');
  }
  const gone = ['src/errors.d.ts', 'src/errors.js', 'src/errors.js.map', 'test/errors.test.js'];
  t.deepEqual(await prune(root), gone);
  t.deepEqual(await prune(root), []);
  const left = (await readdir(root, { recursive: true, withFileTypes: true })).filter((one) => one.isFile());
  t.is(left.length, files.length - gone.length);
});

test('a tree that was never compiled is left alone', async (t) => {
  t.deepEqual(await prune(await temporaryFolder(t)), []);
});

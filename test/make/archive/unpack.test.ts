import { execFileSync, spawnSync } from 'node:child_process';
import { lstat, mkdir, readdir, readFile, readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import test from 'ava';
import { MissingError } from '../../../src/base/errors.js';
import { unpack } from '../../../src/make/archive/unpack.js';
import { folderOf } from '../source/helpers.js';
import { tarOf, zipOf } from './bytes.js';

const entries = [
  { name: './', type: '5' },
  { name: 'top/run.sh', content: '#!/bin/sh\n', mode: 0o6755 },
  { name: 'top/a.c', content: 'int a;\n' },
  { name: 'top/link', type: '2', target: 'sub/../a.c' },
  { name: 'top/copy.c', type: '1', target: 'top/a.c' },
  { name: 'top/sub/', type: '5' },
  { name: 'top/.git/hooks/evil', content: 'x' },
];

test('tar: files, links and times fetchLocation; set-id bits and version control do not', async (t) => {
  const folder = await folderOf(t);
  const file = join(folder, 'a.tgz');
  await writeFile(file, gzipSync(tarOf(entries)));
  const out = join(folder, 'out');
  await unpack(file, out, 'a.tgz');
  t.deepEqual((await readdir(join(out, 'top'))).sort(), ['a.c', 'copy.c', 'link', 'run.sh', 'sub']);
  t.is(await readFile(join(out, 'top/copy.c'), 'utf8'), 'int a;\n');
  t.is((await lstat(join(out, 'top/copy.c'))).nlink, 1);
  t.is(await readlink(join(out, 'top/link')), 'sub/../a.c');
  t.is((await lstat(join(out, 'top/run.sh'))).mode & 0o7777, 0o755);
  t.is((await lstat(join(out, 'top/a.c'))).mode & 0o7777, 0o644);
  t.is((await lstat(join(out, 'top/a.c'))).mtimeMs, 1_000_000_000_000);
});

test('zip: files, links and modes fetchLocation', async (t) => {
  const folder = await folderOf(t);
  const file = join(folder, 'a.zip');
  await writeFile(
    file,
    zipOf([
      { name: 'top/', mode: 0o040755 },
      { name: 'top/run.sh', content: '#!/bin/sh\n', mode: 0o100755 },
      { name: 'top/l', content: 'run.sh', mode: 0o120777 },
    ]),
  );
  await unpack(file, join(folder, 'out'), 'a.zip');
  t.is(await readFile(join(folder, 'out/top/l'), 'utf8'), '#!/bin/sh\n');
  t.is((await lstat(join(folder, 'out/top/run.sh'))).mode & 0o777, 0o755);
});

for (const [program, suffix] of [
  ['xz', 'xz'],
  ['bzip2', 'bz2'],
  ['zstd', 'zst'],
] as const) {
  const missing = spawnSync(program, ['--version']).error !== undefined;
  const run = missing ? test.skip : test;
  run(`tar.${suffix} is unpacked${missing ? `: ${program} is not installed` : ''}`, async (t) => {
    const folder = await folderOf(t);
    const file = join(folder, 'wrong-name.zip');
    await writeFile(file, execFileSync(program, ['-c'], { input: tarOf(entries) }));
    await unpack(file, join(folder, 'out'), 'a');
    t.is(await readFile(join(folder, 'out/top/a.c'), 'utf8'), 'int a;\n');
  });
}

test.serial('without the program that decompresses it, the package to install is named', async (t) => {
  const folder = await folderOf(t);
  const file = join(folder, 'a.tar.xz');
  await writeFile(file, Buffer.from('fd377a585a000000', 'hex'));
  const { PATH } = process.env;
  const empty = join(folder, 'bin');
  await mkdir(empty);
  process.env.PATH = empty;
  const error = await t
    .throwsAsync(unpack(file, join(folder, 'out'), 'a.tar.xz'), { instanceOf: MissingError })
    .finally(() => {
      process.env.PATH = PATH;
    });
  t.deepEqual(error?.missing, ['xz']);
  t.is(error?.facts.next, 'apt-get install xz-utils');
});

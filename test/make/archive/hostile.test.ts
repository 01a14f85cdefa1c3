import { existsSync } from 'node:fs';
import { mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import { ArchiveError, unpack } from '../../../src/make/archive/unpack.js';
import { possibleRoots } from '../../../src/make/source/root.js';
import { LIMITS, type Limits } from '../../../src/make/store/limits.js';
import { folderOf } from '../source/helpers.js';
import { type TarEntry, tarEntry, tarOf, type ZipEntry, zipOf } from './bytes.js';

const good: TarEntry = { name: 'top/main.c', content: 'int main;' };

async function refused(
  t: ExecutionContext,
  archive: Buffer,
  entry: string | undefined,
  reason: RegExp,
  limits: Partial<Limits> = {},
): Promise<void> {
  const folder = await folderOf(t);
  const file = join(folder, 'hostile.tar');
  await writeFile(file, archive);
  const before = await readdir(folder);
  const error = await t.throwsAsync(
    unpack(file, join(folder, 'out'), 'hostile.tar', { ...LIMITS, ...limits }),
    { instanceOf: ArchiveError },
  );
  t.is(error?.entry, entry);
  t.regex(error?.facts.happened ?? '', reason);
  t.regex(error?.facts.tried ?? '', /hostile\.tar/);
  t.deepEqual(await readdir(folder), before, 'nothing of it is left');
}

const tars: readonly [title: string, entries: TarEntry[], entry: string, reason: RegExp][] = [
  ['a path that climbs out', [good, { name: '../evil' }], '../evil', /climbs out/],
  ['a path that climbs out in its middle', [{ name: 'a/../../evil' }], 'a/../../evil', /climbs out/],
  ['a path that climbs and stays inside', [{ name: 'a/../evil' }], 'a/../evil', /climbs out/],
  ['an absolute path', [good, { name: '/tmp/evil' }], '/tmp/evil', /absolute/],
  ['a control character', [{ name: 'a\nb' }], 'a\nb', /control characters/],
  [
    'a symbolic link to an absolute path',
    [{ name: 'l', type: '2', target: '/etc/passwd' }],
    'l',
    /absolute path \/etc\/passwd/,
  ],
  ['a symbolic link that leads out', [{ name: 'd/l', type: '2', target: '../../x' }], 'd/l', /leads out/],
  [
    'two symbolic links that lead out together',
    [
      { name: 'd/', type: '5' },
      { name: 'd/up', type: '2', target: '..' },
      { name: 'e', type: '2', target: 'd/up/..' },
    ],
    'e',
    /leads out/,
  ],
  [
    'a file through a symbolic link',
    [
      { name: 'd', type: '2', target: '/tmp' },
      { name: 'd/evil', content: 'x' },
    ],
    'd/evil',
    /leads through d, which is a link/,
  ],
  [
    'a file in place of a symbolic link',
    [
      { name: 'd', type: '2', target: 'main.c' },
      { name: 'd', content: 'x' },
    ],
    'd',
    /same path/,
  ],
  [
    'a folder in place of a symbolic link',
    [
      { name: 'd', type: '2', target: '..' },
      { name: 'd/', type: '5' },
    ],
    'd/',
    /which is a link/,
  ],
  ['links in a ring', [{ name: 'a', type: '2', target: 'a' }], 'a', /more than 40 links/],
  ['a hard link that leads out', [{ name: 'h', type: '1', target: '../../etc/passwd' }], 'h', /leads out/],
  ['a hard link to an absolute path', [{ name: 'h', type: '1', target: '/etc/passwd' }], 'h', /leads out/],
  [
    'a hard link to a symbolic link',
    [
      { name: 's', type: '2', target: 'x' },
      { name: 'h', type: '1', target: 's' },
    ],
    'h',
    /no file before it/,
  ],
  ['a character device', [good, { name: 'null', type: '3' }], 'null', /is a device/],
  ['a block device', [{ name: 'sda', type: '4' }], 'sda', /is a device/],
  ['a named pipe', [{ name: 'p', type: '6' }], 'p', /named pipe/],
  ['an entry of an unknown kind', [{ name: 'v', type: 'V' }], 'v', /kind that no source holds/],
  ['two files of one path', [good, good], 'top/main.c', /same path/],
];

for (const [title, entries, entry, reason] of tars) {
  test(`tar: ${title} is refused`, (t) => refused(t, tarOf(entries), entry, reason));
}

test('tar: nothing is written where a link points', async (t) => {
  const folder = await folderOf(t);
  const file = join(folder, 'a.tar');
  const outside = join(folder, 'outside');
  await writeFile(
    file,
    tarOf([
      { name: 'l', type: '2', target: outside },
      { name: 'l', content: 'evil' },
    ]),
  );
  await t.throwsAsync(unpack(file, join(folder, 'out'), 'a.tar'), { instanceOf: ArchiveError });
  t.false(existsSync(outside));
});

test('tar: too many entries are refused', (t) => {
  const entries = Array.from({ length: 11 }, (_, index) => ({ name: `f${index}` }));
  return refused(t, tarOf(entries), 'f10', /more than 10 entries/, { entries: 10 });
});

test('tar: 100,001 entries are refused', (t) => {
  const one = tarEntry({ name: 'd/', type: '5' });
  const many = Buffer.concat([...Array.from({ length: 100_001 }, () => one), Buffer.alloc(1024)]);
  return refused(t, gzipSync(many, { level: 1 }), 'd/', /more than 100000 entries/, { ratio: 10_000 });
});

test('tar: a bomb is refused by its ratio while it streams', (t) => {
  const bomb = gzipSync(tarOf([{ name: 'zeros', content: Buffer.alloc(40 * 2 ** 20) }]));
  return refused(t, bomb, undefined, /more than 100 times its size/);
});

test('tar: more than may be unpacked is refused', (t) => {
  const big = tarOf([{ name: 'big', content: Buffer.alloc(200_000, 'x') }]);
  return refused(t, big, undefined, /more than 100000 bytes/, { unpacked: 100_000 });
});

test('tar: hard links that multiply a file are refused', (t) => {
  const links = Array.from({ length: 5 }, (_, index) => ({ name: `h${index}`, type: '1', target: 'big' }));
  const archive = tarOf([{ name: 'big', content: Buffer.alloc(30_000, 'x') }, ...links]);
  return refused(t, archive, 'h2', /more than 100000 bytes/, { unpacked: 100_000 });
});

test('tar: two layers of compression are refused', (t) =>
  refused(t, gzipSync(gzipSync(tarOf([good]))), undefined, /compressed twice/));

test('tar: one that is cut off is refused', (t) =>
  refused(t, tarOf([{ name: 'f', content: Buffer.alloc(2000) }]).subarray(0, 1200), undefined, /./));

test('tar: a gzip stream that is cut off is refused', (t) => {
  const whole = gzipSync(tarOf([{ name: 'f', content: Buffer.from('abc'.repeat(5000)) }]));
  return refused(t, whole.subarray(0, whole.length - 20), undefined, /unexpected end of file/);
});

test('a page of HTML is no archive', (t) =>
  refused(t, Buffer.from('<!DOCTYPE html><p>parked</p>'), undefined, /begins with "<!DOCTYPE html>/));

test('an empty file is no archive', (t) => refused(t, Buffer.alloc(0), undefined, /it is empty/));

const zips: readonly [title: string, entries: ZipEntry[], entry: string, reason: RegExp][] = [
  ['a path that climbs out', [{ name: 'a/../../evil' }], 'a/../../evil', /climbs out/],
  ['a path that climbs out by backslashes', [{ name: '..\\evil' }], '../evil', /climbs out/],
  ['an absolute path', [{ name: '/tmp/evil' }], '/tmp/evil', /absolute/],
  ['a link that leads out', [{ name: 'l', content: '../x', mode: 0o120777 }], 'l', /leads out/],
  [
    'a file through a link',
    [
      { name: 'l', content: '/tmp', mode: 0o120777 },
      { name: 'l/evil', content: 'x' },
    ],
    'l/evil',
    /which is a link/,
  ],
  ['a device', [{ name: 'd', mode: 0o020666 }], 'd', /device, pipe or socket/],
  ['two files of one path', [{ name: 'f' }, { name: 'f' }], 'f', /same path/],
];

for (const [title, entries, entry, reason] of zips) {
  test(`zip: ${title} is refused`, (t) => refused(t, zipOf(entries), entry, reason));
}

test('zip: a bomb is refused by its ratio while it streams', (t) =>
  refused(
    t,
    zipOf([{ name: 'zeros', content: Buffer.alloc(40 * 2 ** 20) }]),
    'zeros',
    /more than 100 times its size/,
  ));

test('zip: one that is cut off is refused', (t) =>
  refused(t, zipOf([{ name: 'f', content: 'abc' }]).subarray(0, 60), undefined, /./));

for (const target of ['..', '.', 'b']) {
  test(`HOSTILE: a link to ${target} in the place of the folder that recipes name is no root of a source`, async (t) => {
    const folder = await folderOf(t);
    await mkdir(join(folder, 'top', 'b'), { recursive: true });
    await symlink(target, join(folder, 'top', 'aoeserver'));
    t.deepEqual(await possibleRoots(folder, ['aoeserver']), [join(folder, 'top'), folder]);
  });
}

test('a zip file that is damaged at any byte is unpacked or refused, and ends nothing', async (t) => {
  const folder = await folderOf(t);
  const whole = zipOf([{ name: 'top/folder/a', content: 'abcabcabcd'.repeat(4) }]);
  let refused = 0;
  for (let at = 0; at < whole.length; at++) {
    const bytes = Buffer.from(whole);
    bytes.writeUInt8((bytes[at] as number) ^ 0xff, at);
    const file = join(folder, 'damaged.zip');
    await writeFile(file, bytes);
    const out = join(folder, `out-${at}`);
    await unpack(file, out, 'damaged.zip').catch((error: unknown) => {
      t.true(error instanceof ArchiveError, String(error));
      refused++;
    });
    await rm(out, { recursive: true, force: true });
  }
  t.true(refused > 20, `${refused} of ${whole.length}`);
});

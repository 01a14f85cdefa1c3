import { execFileSync } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, rename, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { UsageError } from '../../../src/base/errors.js';
import { writeFolder } from '../../../src/manage/ansible/folder.js';
import { GONE } from '../../base/gone.js';
import { temporaryFolder } from '../../base/temporary.js';

const first = new Map<string, string>([
  ['site.yml', 'one'],
  ['host_vars/a.yml', 'two'],
]);
const second = new Map<string, string>([['site.yml', 'three']]);

async function contents(folder: string): Promise<Record<string, string>> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = found.filter((one) => one.isFile() && one.name !== '.aoe-lab-render.json');
  const pairs = files.map(async ({ parentPath, name }) => {
    const path = join(parentPath, name);
    return [path.slice(folder.length + 1), await readFile(path, 'utf8')];
  });
  return Object.fromEntries(await Promise.all(pairs));
}

test('a folder is made, and replaced as a whole', async (t) => {
  const parent = await temporaryFolder(t);
  const folder = join(parent, 'deep', 'ansible');
  await writeFolder(folder, first);
  t.deepEqual(await contents(folder), Object.fromEntries(first));
  await writeFolder(folder, second);
  t.deepEqual(await contents(folder), Object.fromEntries(second));
  t.deepEqual(await readdir(join(parent, 'deep')), ['ansible']);
});

test('an empty folder is as good as none', async (t) => {
  const folder = await temporaryFolder(t);
  await writeFolder(folder, second);
  t.deepEqual(await contents(folder), { 'site.yml': 'three' });
});

for (const [title, spoil, happened] of [
  [
    'a file of somebody else',
    (folder: string) => writeFile(join(folder, 'mine.yml'), ''),
    /^mine\.yml was not written/,
  ],
  [
    'a changed file',
    (folder: string) => writeFile(join(folder, 'site.yml'), 'x'),
    /^site\.yml was changed since/,
  ],
  [
    'no marker',
    (folder: string) => rename(join(folder, '.aoe-lab-render.json'), join(folder, 'x')),
    /not written by aoe-lab render, and holds 3 files/,
  ],
] as const) {
  test(`${title}: refused by name, and nothing is touched`, async (t) => {
    const folder = join(await temporaryFolder(t), 'ansible');
    await writeFolder(folder, first);
    await spoil(folder);
    const before = await contents(folder);
    const error = await t.throwsAsync(writeFolder(folder, second), { instanceOf: UsageError });
    t.regex(error?.facts.happened ?? '', happened);
    t.deepEqual(await contents(folder), before);
  });
}

test('a file in the place of the folder is refused', async (t) => {
  const path = join(await temporaryFolder(t), 'ansible');
  await writeFile(path, 'mine');
  await t.throwsAsync(writeFolder(path, second), { instanceOf: UsageError });
  t.is(await readFile(path, 'utf8'), 'mine');
});

test('what a killed call had moved aside is there again, and still refused if it was changed', async (t) => {
  const parent = await temporaryFolder(t);
  const folder = join(parent, 'ansible');
  await writeFolder(folder, first);
  await writeFile(join(folder, 'site.yml'), 'mine');
  await rename(folder, join(parent, '.ansible.aoe-lab-old'));
  await mkdir(join(parent, `.ansible.aoe-lab-new-${GONE}-x`));
  await t.throwsAsync(writeFolder(folder, second), { instanceOf: UsageError });
  t.is((await contents(folder))['site.yml'], 'mine');
  await writeFile(join(folder, 'site.yml'), 'one');
  await writeFolder(folder, second);
  t.deepEqual(await readdir(parent), ['ansible']);
});

test('hostile: files are written to no folder that others could have foreseen', async (t) => {
  const parent = await temporaryFolder(t);
  await chmod(parent, 0o777);
  await mkdir(join(parent, 'theirs'));
  const folder = join(parent, 'ansible');
  const taken = ['.ansible.aoe-lab-new', `.ansible.aoe-lab-new-${GONE}-x`];
  for (const name of taken) await symlink('theirs', join(parent, name));
  await writeFolder(folder, first);
  await writeFolder(folder, second);
  t.deepEqual(await contents(folder), Object.fromEntries(second));
  t.deepEqual((await readdir(parent)).sort(), [...taken, 'ansible', 'theirs'].sort());
  t.deepEqual(await readdir(join(parent, 'theirs')), []);
  t.is((await stat(folder)).mode & 0o777, 0o777 & ~process.umask());
});

for (const [title, put] of [
  ['a pipe', (place: string) => execFileSync('mkfifo', [place])],
  ['a link to what has no end', (place: string) => symlinkSync('/dev/zero', place)],
] as const) {
  test(`HOSTILE: A13: ${title} in the place of the marker, or of a file, is not read`, async (t) => {
    const folder = join(await temporaryFolder(t), 'ansible');
    await writeFolder(folder, first);
    await rename(join(folder, 'site.yml'), join(folder, 'moved'));
    put(join(folder, 'site.yml'));
    const changed = { instanceOf: UsageError, message: /site\.yml was changed since/ };
    await t.throwsAsync(writeFolder(folder, second), changed);
    await rename(join(folder, '.aoe-lab-render.json'), join(folder, 'marker'));
    put(join(folder, '.aoe-lab-render.json'));
    const foreign = { instanceOf: UsageError, message: /not written by aoe-lab render/ };
    await t.throwsAsync(writeFolder(folder, second), foreign);
  });
}

import { execFileSync, spawnSync } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { here } from '../../../src/hosts/host/local.js';
import {
  CREATE,
  createFile,
  makingName,
  parseMade,
  placeFile,
  removeFile,
  removeUnplaced,
} from '../../../src/serve/storage/files.js';
import { temporaryFolder } from '../../base/temporary.js';
import { SHELLS } from '../../hosts/shells.js';

async function made(path: string, size = 1 << 16) {
  const making = makingName(path);
  const file = await createFile(here, path, making, size);
  await placeFile(here, path, making);
  return file;
}

test('a new file is sparse, closed to others, and goes as long as it was never written', async (t) => {
  const file = join(await temporaryFolder(t), 'new');
  const is = await made(file, 1 << 30);
  const facts = await stat(file);
  t.is(facts.size, 1 << 30);
  t.is(facts.mode & 0o777, 0o600);
  t.is(String(facts.ino), is.inode);
  await writeFile(file, 'data', { flag: 'r+' });
  execFileSync('sync', [file]);
  t.is(await removeFile(here, file, is, false), 'kept');
  t.is(await removeFile(here, file, is, true), 'removed');
  t.is(await removeFile(here, file, is, true), 'gone');
});

test('a file, a link or a folder that took the name meanwhile is not replaced', async (t) => {
  const folder = await temporaryFolder(t);
  const file = join(folder, 'new');
  const making = makingName(file);
  await createFile(here, file, making, 512);
  for (const other of ['file', 'link', 'folder']) {
    if (other === 'file') await writeFile(file, 'theirs');
    if (other === 'link') await symlink('nowhere', file);
    if (other === 'folder') await mkdir(file);
    await t.throwsAsync(placeFile(here, file, making), { message: /meanwhile/ });
    t.deepEqual(await readdir(folder), [making, 'new'].sort());
    await rm(file, { recursive: true });
  }
  await removeUnplaced(here, file, making);
  t.deepEqual(await readdir(folder), []);
});

test('A7: what took the name of a file that was made stays: a folder, another file, a link to the very file', async (t) => {
  const folder = await temporaryFolder(t);
  const file = join(folder, 'm.img');
  const is = await made(file);
  await rename(file, join(folder, 'moved'));
  await mkdir(file);
  await writeFile(join(file, 'x'), 'x');
  t.is(await removeFile(here, file, is, true), 'other');
  t.is(await readFile(join(file, 'x'), 'utf8'), 'x');
  await rm(file, { recursive: true });
  await writeFile(file, 'other');
  t.is(await removeFile(here, file, is, true), 'other');
  await rm(file);
  await symlink('moved', file);
  t.is(await removeFile(here, file, is, true), 'other');
  t.deepEqual((await readdir(folder)).sort(), ['m.img', 'moved']);
});

test('A7: a folder on the way that became a link leads to no removal', async (t) => {
  const folder = await temporaryFolder(t);
  await mkdir(join(folder, 'a'));
  await mkdir(join(folder, 'b'));
  const file = join(folder, 'a', 'disk');
  const is = await made(file);
  await rename(join(folder, 'a'), join(folder, 'c'));
  await symlink('c', join(folder, 'a'));
  t.is(await removeFile(here, file, is, true), 'gone');
  t.deepEqual(await readdir(join(folder, 'c')), ['disk']);
});

test('A7: a file of the same number that was made at another time stays', async (t) => {
  const file = join(await temporaryFolder(t), 'disk');
  const is = await made(file);
  if (is.birth === null) {
    t.pass('needs a file system that keeps the times when files were made');
    return;
  }
  // Numbers of removed files are given again; of an earlier boot the number of the device tells nothing either.
  for (const bootId of [is.bootId, 'earlier']) {
    t.is(await removeFile(here, file, { ...is, bootId, birth: is.birth - 1 }, true), 'other');
  }
  t.is((await stat(file)).size, 1 << 16);
  // Where it is not known, device and inode tell.
  t.is(await removeFile(here, file, { ...is, birth: null }, true), 'removed');
});

for (const [shell = '', ...more] of SHELLS) {
  test(`${shell}: hostile: what takes the name of a file being made keeps its size, and is not taken for it`, async (t) => {
    const folder = await temporaryFolder(t);
    const at = (...names: string[]): string => join(folder, ...names);
    for (const name of ['bin', 'd']) await mkdir(at(name));
    await writeFile(at('theirs'), 'theirs');
    const exchange = `#!/bin/sh\nmv ${at('d', 'x')} ${at('moved')} && ln -s ../theirs ${at('d', 'x')}\nPATH=/usr/bin:/bin exec truncate "$@"\n`;
    await writeFile(at('bin', 'truncate'), exchange);
    await chmod(at('bin', 'truncate'), 0o755);
    const { stdout } = spawnSync(shell, [...more, '-c', CREATE, 'sh', at('d'), 'x', '65536'], {
      encoding: 'utf8',
      env: { ...process.env, PATH: `${at('bin')}:${process.env.PATH}` },
    });
    t.is(await readFile(at('theirs'), 'utf8'), 'theirs');
    const { size, ino } = await stat(at('moved'));
    t.is(size, 65536);
    t.is(parseMade(stdout, 'boot')?.inode, String(ino));
  });

  test(`${shell}: hostile: a file is made at no name that is taken, be it a file, a link or a device`, async (t) => {
    const folder = await temporaryFolder(t);
    await writeFile(join(folder, 'file'), 'theirs');
    for (const [name, to] of Object.entries({ link: 'file', dangling: 'nowhere', device: '/dev/null' })) {
      await symlink(to, join(folder, name));
    }
    for (const name of ['file', 'link', 'dangling', 'device']) {
      const { status, stdout } = spawnSync(shell, [...more, '-c', CREATE, 'sh', folder, name, '512'], {
        encoding: 'utf8',
      });
      t.not(status, 0, name);
      t.is(stdout, '', name);
    }
    t.is(await readFile(join(folder, 'file'), 'utf8'), 'theirs');
    t.deepEqual((await readdir(folder)).sort(), ['dangling', 'device', 'file', 'link']);
  });
}

test('of random changes none has anything removed but what was made', async (t) => {
  const steps = fc.constantFrom('write', 'replace', 'rename', 'folder', 'link', 'remove');
  await fc.assert(
    fc.asyncProperty(fc.array(steps, { maxLength: 4 }), fc.boolean(), async (changes, evenData) => {
      const folder = await temporaryFolder(t);
      const file = join(folder, 'disk');
      const is = await made(file);
      let theirs = 0;
      for (const change of changes) {
        if (change === 'write') await writeFile(file, 'data', { flag: 'r+' }).catch(() => {});
        else if (change === 'rename') await rename(file, join(folder, `moved${theirs++}`)).catch(() => {});
        else {
          await rm(file, { recursive: true, force: true });
          if (change === 'replace') await writeFile(file, 'theirs');
          if (change === 'folder') await mkdir(file);
          if (change === 'link') await symlink('/etc/hostname', file);
        }
      }
      const before = await readdir(folder);
      const still = await stat(file).catch(() => undefined);
      const outcome = await removeFile(here, file, is, evenData);
      const after = await readdir(folder);
      if (outcome === 'removed') {
        t.is(String(still?.ino), is.inode);
        t.deepEqual(
          after,
          before.filter((name) => name !== 'disk'),
        );
      } else t.deepEqual(after, before);
      return true;
    }),
    { numRuns: 25 },
  );
});

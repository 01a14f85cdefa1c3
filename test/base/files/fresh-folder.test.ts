import { chown, lchown, mkdir, readdir, readFile, rename, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { LabError } from '../../../src/base/errors.js';
import { freshFolder, makeFolders } from '../../../src/base/files/fresh-folder.js';
import { temporaryFolder } from '../temporary.js';

const asRoot = process.getuid?.() === 0 ? test : test.skip;

test('a folder is made with a name of its own and a mode by the umask', async (t) => {
  const parent = await temporaryFolder(t);
  const made = await freshFolder(join(parent, 'new-'), (inside) => writeFile(join(inside, 'file'), 'text'));
  t.regex(made, /\/new-\w{6}$/);
  t.is(await readFile(join(made, 'file'), 'utf8'), 'text');
  t.is((await stat(made)).mode & 0o777, 0o777 & ~process.umask());
});

test('nothing is left of one that could not be filled, and the error names it by its path', async (t) => {
  const parent = await temporaryFolder(t);
  const failing = freshFolder(join(parent, 'new-'), (inside) => mkdir(join(inside, 'no', 'such')));
  const error = await t.throwsAsync<NodeJS.ErrnoException>(failing, { code: 'ENOENT' });
  t.true(error.path?.startsWith(join(parent, 'new-')), error.path);
  t.deepEqual(await readdir(parent), []);
});

test('HOSTILE: A9: nothing is written where a link leads that somebody put in its place meanwhile', async (t) => {
  const parent = await temporaryFolder(t);
  const precious = join(parent, 'precious');
  await mkdir(precious);
  await freshFolder(join(parent, 'new-'), async (inside) => {
    const [name = ''] = (await readdir(parent)).filter((one) => one.startsWith('new-'));
    await rename(join(parent, name), join(parent, 'away'));
    await symlink('precious', join(parent, name));
    await writeFile(join(inside, 'file'), 'text');
  });
  t.deepEqual(await readdir(precious), []);
  t.deepEqual(await readdir(join(parent, 'away')), ['file']);
});

asRoot('HOSTILE: A9: no folder is made where a link of another user’s leads', async (t) => {
  const parent = await temporaryFolder(t);
  const theirs = join(parent, 'theirs');
  await mkdir(join(parent, 'precious'));
  await mkdir(theirs);
  await chown(theirs, 1000, 1000);
  await symlink('../precious', join(theirs, 'link'));
  await lchown(join(theirs, 'link'), 1000, 1000);
  const refused = { instanceOf: LabError, message: /is a link, and user 1000 may write to/ };
  await t.throwsAsync(makeFolders(join(theirs, 'link', 'deep', 'er')), refused);
  await t.throwsAsync(
    freshFolder(join(theirs, 'link', 'deep', 'new-'), async () => {}),
    refused,
  );
  t.deepEqual(await readdir(join(parent, 'precious')), []);
  await makeFolders(join(theirs, 'deep', 'er'));
  t.deepEqual(await readdir(join(theirs, 'deep')), ['er']);
});

import { chmod, chown, mkdir, readdir, rename, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { ownMark } from '../../../src/base/owner.js';
import { makeRunFolder } from '../../../src/prove/testbed/run-folder.js';
import { GONE } from '../../base/gone.js';
import { temporaryFolder } from '../../base/temporary.js';

const asRoot = process.getuid?.() === 0 ? test : test.skip;

async function leftBehind(parent: string, ending: string): Promise<string> {
  const folder = join(parent, `aoe-lab-demo-${GONE}-${ending}`);
  await mkdir(folder);
  await writeFile(join(folder, 'image'), '');
  return folder;
}

test('what a killed run left goes, what one that runs has stays, and a new one is closed to others', async (t) => {
  const parent = await temporaryFolder(t);
  await leftBehind(parent, 'x');
  const other = await makeRunFolder('demo', parent);
  const folder = await makeRunFolder('demo', parent);
  t.deepEqual((await readdir(parent)).length, 2);
  t.is((await stat(folder.path)).mode & 0o777, 0o700);
  await writeFile(join(folder.path, 'image'), '');
  await folder.remove();
  await other.remove();
  t.deepEqual(await readdir(parent), []);
});

test('hostile: a folder that has the name of a run by now is not removed with it', async (t) => {
  const parent = await temporaryFolder(t);
  const folder = await makeRunFolder('demo', parent);
  await rename(folder.path, join(parent, 'moved'));
  await mkdir(folder.path);
  await writeFile(join(folder.path, 'theirs'), '');
  await folder.remove();
  t.deepEqual(await readdir(folder.path), ['theirs']);
});

asRoot('hostile: folders of other users that are called like those of a killed run stay', async (t) => {
  const parent = await temporaryFolder(t);
  await chmod(parent, 0o1777);
  const theirs = await leftBehind(parent, 'theirs');
  await chown(theirs, 1000, 1000);
  const ours = await leftBehind(parent, 'ours');
  await mkdir(join(parent, 'target'));
  await writeFile(join(parent, 'target', 'image'), '');
  await symlink('target', join(parent, `aoe-lab-demo-${GONE}-link`));
  const folder = await makeRunFolder('demo', parent);
  await folder.remove();
  t.deepEqual(
    await readdir(parent),
    [`aoe-lab-demo-${GONE}-link`, theirs.slice(parent.length + 1), 'target'].sort(),
  );
  t.deepEqual(await readdir(theirs), ['image']);
  t.false((await readdir(parent)).includes(ours.slice(parent.length + 1)));
});

asRoot('hostile: a folder of root’s that another user gave the name of a killed run stays', async (t) => {
  const parent = await temporaryFolder(t);
  const moved = await leftBehind(parent, 'x');
  await chown(parent, 1000, 1000);
  const folder = await makeRunFolder('demo', parent);
  await folder.remove();
  t.deepEqual(await readdir(moved), ['image']);
});

test('data: folders of runs in another PID namespace, as of a container with the same /tmp, stay', async (t) => {
  const parent = await temporaryFolder(t);
  const [pid, started, namespace] = (await ownMark()).split('-') as [string, string, string];
  const theirs = [`99999999-1-1${namespace}`, `${pid}-${started}-1${namespace}`];
  // The id of this process, and another start: one that was here before it.
  const gone = `${pid}-1${started}-${namespace}`;
  for (const mark of [...theirs, gone]) await mkdir(join(parent, `aoe-lab-demo-${mark}-x`));
  const folder = await makeRunFolder('demo', parent);
  await folder.remove();
  t.deepEqual((await readdir(parent)).sort(), theirs.map((mark) => `aoe-lab-demo-${mark}-x`).sort());
});

import { spawnSync } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { LabError, UsageError } from '../../../src/base/errors.js';
import { versionsFrom, writeDkmsTree } from '../../../src/make/compile/dkms.js';
import { loadRecipe, select, withRelease } from '../../../src/make/recipe/load.js';
import type { Recipe } from '../../../src/make/recipe/schema.js';
import { fetchSource } from '../../../src/make/source/fetch.js';
import { temporaryFolder } from '../../base/temporary.js';

const recipe = await loadRecipe('vblade-kernel');
const selected = select(recipe);
const { release } = selected;
const tree = await fetchSource(selected);

test('the tree has the source and a dkms.conf that a shell can read', async (t) => {
  const folder = join(await temporaryFolder(t), 'tree');
  const written = await writeDkmsTree(tree, selected, folder);
  t.deepEqual(written, { name: 'vblade-kernel', version: 'stand-in', folder, patches: [] });
  t.true((await readdir(folder)).includes('vb-main.c'));
  const words = '"$PACKAGE_NAME" "$PACKAGE_VERSION" "$MAKE" "$BUILT_MODULE_NAME" "$BUILT_MODULE_LOCATION"';
  const { stdout } = spawnSync(
    'bash',
    ['-c', `kernel_source_dir=/headers; . ./dkms.conf; printf '%s\\n' ${words} "$BUILD_EXCLUSIVE_KERNEL"`],
    { cwd: folder, encoding: 'utf8' },
  );
  t.deepEqual(stdout.trimEnd().split('\n'), [
    'vblade-kernel',
    'stand-in',
    'make KDIR=/headers',
    'vb',
    '.',
    versionsFrom('5.10'),
  ]);
});

test('bash takes for a kernel from a version on what is one', (t) => {
  const cases: [string, string, boolean][] = [
    ['5.10', '5.10.0-46-amd64', true],
    ['5.10', '5.9.0-1-amd64', false],
    ['5.10', '5.1.21', false],
    ['5.10', '5.19.17', true],
    ['5.10', '5.100.0', true],
    ['5.10', '6.0.0', true],
    ['5.10', '6.12.118+deb13-amd64', true],
    ['5.10', '10.0-rc1', true],
    ['5.10', '4.19.0', false],
    ['5.10', '2.6.32', false],
    ['6.9', '6.8.12', false],
    ['6.9', '6.9', true],
    ['6.9', '6.10.3', true],
    ['9.0', '10.1', true],
    ['9.0', '8.99', false],
  ];
  for (const [from, kernel, matches] of cases) {
    const { status } = spawnSync('bash', ['-c', '[[ $1 =~ $2 ]]', 'bash', kernel, versionsFrom(from)]);
    t.is(status === 0, matches, `${kernel} from ${from} on`);
  }
});

test('a release without a port, a daemon, a folder with something in it', async (t) => {
  const folder = await temporaryFolder(t);
  const lost = select(recipe, '0.3.4');
  await t.throwsAsync(writeDkmsTree(tree, lost, join(folder, 'a')), {
    instanceOf: UsageError,
    message: /not ported/,
  });
  const daemon = await loadRecipe('vblade');
  await t.throwsAsync(writeDkmsTree(tree, select(daemon), join(folder, 'a')), {
    message: /no kernel module/,
  });
  await writeDkmsTree(tree, selected, join(folder, 'a'));
  await t.throwsAsync(writeDkmsTree(tree, selected, join(folder, 'a')), { message: /not empty/ });
  t.deepEqual(await readdir(folder), ['a']);
});

test('a patch for some kernels of a port only is refused: there is one tree for all', async (t) => {
  const split: Recipe = structuredClone(recipe);
  split.patches.push({
    form: 'edit',
    id: 'for-some',
    why: 'a test',
    files: ['vb.h'],
    replace: 'vb',
    by: 'vb',
    when: { kernel: '>=6.4' },
  });
  const folder = join(await temporaryFolder(t), 'tree');
  await t.throwsAsync(writeDkmsTree(tree, withRelease(split, release), folder), {
    instanceOf: LabError,
    message: /Linux 5\.10 needs the patches ; Linux 6\.4 needs for-some/,
  });
});

test('every port of this package has one tree for all its kernels', async (t) => {
  const names = ['kvblade', 'aoeserver', 'vblade-kernel'];
  for (const name of names) {
    const { patches, releases } = await loadRecipe(name);
    const ported = releases.filter(({ kernelsFrom }) => kernelsFrom !== undefined);
    t.is(ported.length, 1, name);
    const from = new RegExp(versionsFrom(ported[0]?.kernelsFrom ?? ''));
    for (const { when } of patches) {
      if (when?.release !== undefined && !when.release.includes(ported[0]?.version ?? '')) continue;
      const [, only] = /^>=(\S+)$/.exec(when?.kernel ?? '') ?? [];
      const [, , before] = /^(\S+) <(\S+)$/.exec(when?.kernel ?? '') ?? [];
      t.false(from.test(`${before ?? '0.0'}.0`));
      if (before === undefined) t.true(only === ported[0]?.kernelsFrom || !from.test(`${only}.0`));
    }
  }
});

import { existsSync, lstatSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { applyPatches } from '../../../src/make/patch/apply.js';
import { planPatches } from '../../../src/make/patch/plan.js';
import { withRelease } from '../../../src/make/recipe/load.js';
import type { Patch } from '../../../src/make/recipe/schema.js';
import { temporaryFolder } from '../../base/temporary.js';
import { labError, readTree, recipeWith, release, sharedFolder, writeTree } from './trees.js';

// Patch files are looked for beside the recipes that AOE_LAB_RECIPES names.
const recipes = sharedFolder();
process.env.AOE_LAB_RECIPES = recipes;
let written = 0;

/** A patch of the form `diff` with this text. */
function diffPatch(text: string, name = 'p'): Extract<Patch, { form: 'diff' }> {
  const file = `${++written}/${name}.patch`;
  writeTree(join(recipes, 'patches'), { [file]: text });
  return { form: 'diff', file };
}

const edit = (more: Partial<Extract<Patch, { form: 'edit' }>>): Patch => ({
  form: 'edit',
  id: 'an-edit',
  why: 'for the test',
  files: ['a.c'],
  replace: 'old_name',
  by: 'new_name',
  ...more,
});

test('an edit that finds another number says how many, where, and what was expected', async (t) => {
  const folder = writeTree(await temporaryFolder(t), { 'a.c': 'old_name;\nx;\n\told_name(old_name);\n' });
  const error = await labError(t, () =>
    planPatches(withRelease(recipeWith([edit({ count: 2 })]), release), folder, {}),
  );
  t.is(error.facts.tried, 'applying the patch an-edit to sample 1');
  t.is(
    error.facts.happened,
    [
      'found "old_name" 3 times in a.c, expected 2',
      'a.c:1: "old_name;"',
      'a.c:3: "\\told_name(old_name);"',
      'a.c:3: "\\told_name(old_name);"',
    ].join('\n'),
  );
});

test('an edit without a count needs one occurrence', async (t) => {
  const folder = writeTree(await temporaryFolder(t), { 'a.c': 'x\n' });
  const error = await labError(t, () =>
    planPatches(withRelease(recipeWith([edit({})]), release), folder, {}),
  );
  t.is(error.facts.happened, 'found "old_name" 0 times in a.c, expected at least 1');
});

test('an edit that finds its text on other lines than the document says', async (t) => {
  const folder = writeTree(await temporaryFolder(t), { 'a.c': '\nold_name\nold_name\n' });
  const error = await labError(t, () =>
    planPatches(withRelease(recipeWith([edit({ count: 2, lines: [1, 3] })]), release), folder, {}),
  );
  t.is(
    error.facts.happened,
    'found "old_name" on lines 2, 3 of a.c, expected lines 1, 3\na.c:2: "old_name"\na.c:3: "old_name"',
  );
});

test('an edit of a file that is not there', async (t) => {
  const folder = writeTree(await temporaryFolder(t), { 'b.c': 'old_name' });
  const error = await labError(t, () =>
    planPatches(withRelease(recipeWith([edit({})]), release), folder, {}),
  );
  t.is(error.facts.happened, 'there is no file a.c in the tree');
});

test('edits take globs within one folder, keep CRLF and every byte, and see what earlier patches did', async (t) => {
  const folder = writeTree(await temporaryFolder(t), {
    'a.c': 'caf\xe9 old_name\r\nnext\r\n',
    'b.h': 'old_name\n',
    'sub/c.c': 'old_name\n',
  });
  const patches = [
    edit({ files: ['*.c', '*.h'], count: 2 }),
    edit({ replace: 'new_name\nnext', by: 'newer\none\nmore' }),
  ];
  const plan = await planPatches(withRelease(recipeWith(patches), release), folder, {});
  t.deepEqual(
    plan.patches.map(({ files }) => files.map(({ path, lines }) => [path, lines])),
    [
      [
        ['a.c', [1]],
        ['b.h', [1]],
      ],
      [['a.c', [1]]],
    ],
  );
  const output = join(await temporaryFolder(t), 'out');
  await applyPatches(plan, output);
  t.deepEqual(readTree(output), {
    'a.c': 'caf\xe9 newer\r\none\r\nmore\r\n',
    'b.h': 'new_name\n',
    'sub/c.c': 'old_name\n',
  });
  t.is(readTree(folder)['b.h'], 'old_name\n');
});

const HEADER =
  'From: x <x@example.invalid>\nSubject: [PATCH] a subject\n\nThe first line\nand the second.\n\nUpstream: no\n---\n';

test('a diff changes, creates and deletes files; its header says why; offsets are told', async (t) => {
  const folder = writeTree(await temporaryFolder(t), { 'a.c': 'new\na\nb\xff\nc\n', 'gone.c': 'x\n' });
  const patch = diffPatch(
    `${HEADER}--- a/a.c\n+++ b/a.c\n@@ -1,2 +1,2 @@\n-a\n+A\n b\xff\n--- /dev/null\n+++ b/sub/made.h\n@@ -0,0 +1 @@\n+made\n--- a/gone.c\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n`,
    '0001-name',
  );
  const plan = await planPatches(withRelease(recipeWith([patch]), release), folder, {});
  t.like(plan.patches[0], {
    id: '0001-name',
    form: 'diff',
    why: 'The first line and the second.',
    applies: true,
    reason: 'always',
  });
  t.deepEqual(
    plan.patches[0]?.files.map(({ path, change, lines, offsets }) => ({ path, change, lines, offsets })),
    [
      { path: 'a.c', change: 'changed', lines: [2], offsets: [1] },
      { path: 'sub/made.h', change: 'created', lines: [1], offsets: [0] },
      { path: 'gone.c', change: 'deleted', lines: [1], offsets: [0] },
    ],
  );
  const output = await temporaryFolder(t);
  await applyPatches(plan, output);
  t.deepEqual(readTree(output), { 'a.c': 'new\nA\nb\xff\nc\n', 'sub/made.h': 'made\n' });
});

test('a hunk that does not apply names patch, file and line, and nothing is written', async (t) => {
  const folder = writeTree(await temporaryFolder(t), { 'a.c': 'a\nb\n' });
  const patch = diffPatch('--- a/a.c\n+++ b/a.c\n@@ -2 +2 @@\n-c\n+C\n', '0007-x');
  const error = await labError(t, () => planPatches(withRelease(recipeWith([patch]), release), folder, {}));
  t.is(
    error.message,
    'applying the patch 0007-x to sample 1: a.c:2: hunk 1 of 1 does not apply\nexpected "c"\nfound "b"',
  );
  t.deepEqual(readTree(folder), { 'a.c': 'a\nb\n' });
});

for (const [title, diff, happened] of [
  ['leaves the tree', '--- a/../x\n+++ b/../x\n@@ -0,0 +1 @@\n+x\n', /the path "\.\.\/x" leaves the tree/],
  [
    'has an absolute path',
    '--- /dev/null\n+++ b//etc/x\n@@ -0,0 +1 @@\n+x\n',
    /the path "\/etc\/x" leaves the tree/,
  ],
  [
    'creates what is there',
    '--- /dev/null\n+++ b/a.c\n@@ -0,0 +1 @@\n+x\n',
    /a\.c: it creates this file, which is there/,
  ],
  ['changes what is not there', '--- a/z.c\n+++ b/z.c\n@@ -1 +1 @@\n-x\n+y\n', /z\.c: there is no such file/],
  [
    'deletes a file that holds more',
    '--- a/a.c\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n',
    /a\.c: it deletes this file, but 1 lines more/,
  ],
  ['goes through a link', '--- a/link/x\n+++ b/link/x\n@@ -1 +1 @@\n-x\n+y\n', /link is a symbolic link/],
  [
    'creates a file behind a link',
    '--- /dev/null\n+++ b/link/new\n@@ -0,0 +1 @@\n+y\n',
    /link is a symbolic link/,
  ],
  [
    'renames',
    'diff --git a/a.c b/b.c\nrename from a.c\nrename to b.c\n',
    /renamed, copied, binary and mode-only/,
  ],
  ['is none', 'Subject: no diff follows\n', /the file holds no diff/],
  ['is torn', '--- a/a.c\n+++ b/a.c\n@@ -1,3 +1,3 @@\n a\n', /it is no unified diff/],
] as const) {
  test(`a diff that ${title} is refused`, async (t) => {
    const folder = writeTree(await temporaryFolder(t), { 'a.c': 'a\nb\n' });
    symlinkSync('/tmp', join(folder, 'link'));
    const patch = diffPatch(diff);
    const error = await labError(t, () => planPatches(withRelease(recipeWith([patch]), release), folder, {}));
    t.regex(error.facts.happened, happened);
  });
}

test('a patch that the recipe names and nobody wrote', async (t) => {
  const patches: Patch[] = [{ form: 'diff', file: 'nobody/wrote.patch' }];
  const error = await labError(t, () => planPatches(withRelease(recipeWith(patches), release), '/', {}));
  t.is(error.exitCode, 2);
  t.is(error.facts.tried, 'reading the patch nobody/wrote.patch that a recipe names');
});

test('the file form adds a file, and only where there is none', async (t) => {
  const diff = diffPatch('a header of our own\n', 'compat');
  const patch: Patch = {
    form: 'file',
    id: 'compat',
    why: 'it was renamed',
    file: diff.file,
    to: 'compat/k.h',
  };
  const folder = writeTree(await temporaryFolder(t), { 'a.c': 'a\n' });
  const plan = await planPatches(withRelease(recipeWith([patch]), release), folder, {});
  const output = join(await temporaryFolder(t), 'deep', 'out');
  await applyPatches(plan, output);
  t.deepEqual(readTree(output), { 'a.c': 'a\n', 'compat/k.h': 'a header of our own\n' });
  const error = await labError(t, () => planPatches(withRelease(recipeWith([patch]), release), output, {}));
  t.is(error.facts.happened, 'compat/k.h is in the tree already, and the patch would add it');
});

test('a patch whose condition does not hold is listed with the reason and left out', async (t) => {
  const folder = writeTree(await temporaryFolder(t), { 'a.c': 'nothing of the kind\n' });
  const plan = await planPatches(
    withRelease(recipeWith([edit({ when: { kernel: '<2.6.33' } })]), release),
    folder,
    {
      kernel: '6.1',
    },
  );
  t.like(plan.patches[0], { applies: false, reason: 'kernel 6.1 is not <2.6.33' });
  t.deepEqual(plan.patches[0]?.files, []);
  t.is(plan.contents.size, 0);
});

test('a folder with something in it is not written to, and nothing is left beside it', async (t) => {
  const folder = writeTree(await temporaryFolder(t), { 'a.c': 'a\n' });
  const parent = await temporaryFolder(t);
  const output = writeTree(join(parent, 'out'), { mine: 'keep\n' });
  const plan = await planPatches(withRelease(recipeWith([]), release), folder, {});
  const error = await labError(t, () => applyPatches(plan, output));
  t.is(error.exitCode, 2);
  t.deepEqual(readTree(parent), { 'out/mine': 'keep\n' });
});

test('a copy keeps links and executables, can be written to, and has times that make relies on', async (t) => {
  const folder = writeTree(await temporaryFolder(t), { configure: '#!/bin/sh\n', 'a.c': 'old_name\n' });
  const { chmodSync } = await import('node:fs');
  chmodSync(join(folder, 'configure'), 0o555);
  symlinkSync('configure', join(folder, 'link'));
  const output = join(await temporaryFolder(t), 'out');
  await applyPatches(await planPatches(withRelease(recipeWith([edit({})]), release), folder, {}), output);
  t.is(lstatSync(join(output, 'configure')).mode & 0o777, 0o755);
  t.true(lstatSync(join(output, 'link')).isSymbolicLink());
  t.true(lstatSync(join(output, 'a.c')).mtimeMs > lstatSync(join(output, 'configure')).mtimeMs);
  t.deepEqual(readdirSync(join(output, '..')), ['out']);
  t.true(existsSync(join(output, 'link')));
});

import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { packageRoot } from '../../../src/base/files/paths.js';
import { findCommand } from '../../../src/make/compile/requirements.js';
import { patchDigest, whyOfHeader } from '../../../src/make/patch/files.js';
import type { Patch } from '../../../src/make/recipe/schema.js';
import { temporaryFolder } from '../../base/temporary.js';

const DIFF = '--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n';

for (const [title, header, why] of [
  [
    'mail',
    'From: a <a@b>\nSubject: [PATCH 1/2] s\n\nTwo\nlines.\n\nMore.\n\nUpstream: no\n---\n x | 2 +-\n\n',
    'Two lines. More.',
  ],
  [
    'mail of git itself',
    'From 0123456789abcdef0123456789abcdef01234567 Mon Sep 17 00:00:00 2001\nFrom: =?UTF-8?q?A?= <a@b>\nDate: Sat, 28 Nov 2026 23:15:30 +0000\nSubject: [PATCH] s\n\nNote: one line,\nand another.\n\nMore.\n\nSigned-off-by: a <a@b>\nUpstream: no\n---\n x | 2 +-\n\n',
    'Note: one line, and another. More.',
  ],
  [
    'a subject of two lines alone',
    'From 0123 Mon Sep 17 00:00:00 2001\nFrom: a <a@b>\nSubject: [PATCH] s is\n long\n\n---\n',
    's is long',
  ],
  ['a subject alone', 'Subject: [PATCH] s\n\n---\n', 's'],
  ['prose alone', 'Words of\nits author.\n\n', 'Words of its author.'],
  ['nothing', '', ''],
] as const) {
  test(`why a patch is there is told by ${title}`, (t) => t.is(whyOfHeader(header + DIFF), why));
}

test.serial('what a patch says of itself is no reason to build again', async (t) => {
  const folder = await temporaryFolder(t);
  await mkdir(join(folder, 'patches'));
  process.env.AOE_LAB_RECIPES = folder;
  t.teardown(() => {
    delete process.env.AOE_LAB_RECIPES;
  });
  const texts = [DIFF, `Subject: s\n\nWhy.\n---\n${DIFF}`, DIFF.replace('+b', '+c')];
  const digests = texts.map((text, index) => {
    writeFileSync(join(folder, 'patches', `${index}.patch`), text);
    return patchDigest({ form: 'diff', file: `${index}.patch`, when: {} } as Patch);
  });
  t.is(digests[0], digests[1]);
  t.not(digests[0], digests[2]);
});

test('each patch of this package is in git’s format for mail: a subject, one paragraph of why, what became of it upstream', async (t) => {
  const folder = join(packageRoot, 'patches');
  const files = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.patch')).sort();
  t.true(files.length > 100);
  for (const file of files) {
    const text = await readFile(join(folder, file), 'latin1');
    t.regex(
      text,
      /^From: [^\n]+ <[^\n]+>\nSubject: \[PATCH\] [^\n]+\n\n(?:[^\n]{1,100}\n)+\nUpstream: [^\n]+\n---\n--- /,
      file,
    );
    t.true(whyOfHeader(text).length > 20, file);
  }
  if (findCommand('git') === undefined) return t.log('git was not asked: it is not here');
  const [first = ''] = files;
  const out = await temporaryFolder(t);
  const [message, patch] = [join(out, 'message'), join(out, 'patch')];
  const input = await readFile(join(folder, first));
  const { stdout, status } = spawnSync('git', ['mailinfo', message, patch], { input, encoding: 'utf8' });
  t.is(status, 0);
  t.regex(stdout, /^Author: aoe-lab contributors$/m);
  t.true((await readFile(message, 'utf8')).includes('Upstream: '));
  t.regex(await readFile(patch, 'utf8'), /^---\n--- a\//);
});

/** `aoe-lab build` and `aoe-lab patch` as processes of their own. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test from 'ava';
import { programsFolder } from '../../../src/base/files/paths.js';
import { temporaryFolder } from '../../base/temporary.js';
import { noCompiler, testUnless } from '../../live/support/machine.js';
import { readTree, sharedFolder, writeTree } from '../patch/trees.js';
import { HELLO, writeProject } from './project.js';

const cache = sharedFolder();
const recipes = writeTree(sharedFolder(), {
  'sample.yaml': `name: sample
title: a sample
kind: user-space daemon
summary: for tests
releases:
  - { version: "1", sources: [] }
patches:
  - { form: diff, file: greet.patch }
  - { form: edit, id: old-kernels, why: they differ, files: [hello.c], replace: "0", by: "1", when: { kernel: "<2.6.18" } }
build:
  system: make
  requires:
    - { command: gcc, debian: gcc }
    - { command: make, debian: make }
  steps:
    - run: [make, "-j{{jobs}}", hello]
  artifacts:
    - { name: hello, path: hello }
control:
  { shape: process, run: ["{{artifact.hello}}"], stop: TERM, announces: false, backing: file, options: {} }
guide: []
quirks: []
verified: []
`,
  'patches/greet.patch':
    'Subject: [PATCH] politeness\n\n--- a/hello.c\n+++ b/hello.c\n@@ -5 +5 @@\n-\tputs("hello");\n+\tputs("good day");\n',
});

function aoeLab(args: string[], nodeOptions: string[] = []) {
  const main = join(programsFolder, 'aoe-lab.cjs');
  return spawnSync(process.execPath, [...nodeOptions, main, ...args], {
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1', AOE_LAB_CACHE: cache, AOE_LAB_RECIPES: recipes },
  });
}

testUnless(
  noCompiler(),
  'build --json prints paths, names and whether it was in the store, and nothing else',
  async (t) => {
    const { folder } = writeProject(await temporaryFolder(t));
    const first = aoeLab(['build', 'sample', '--source', folder, '--jobs', '1', '--json']);
    t.is(first.status, 0, first.stderr);
    const result = JSON.parse(first.stdout);
    t.like(result, {
      implementation: 'sample',
      release: '1',
      patches: ['greet'],
      cached: false,
      warnings: 0,
    });
    t.regex(result.key, /^[0-9a-f]{64}$/);
    t.regex(result.source.digest, /^[0-9a-f]{64}$/);
    t.deepEqual(result.artifacts, [join(cache, 'builds', result.key, 'artifacts', 'hello')]);
    t.is(spawnSync(result.artifacts[0], { encoding: 'utf8' }).stdout, 'good day\n');
    t.true(readFileSync(result.log, 'utf8').includes('$ make -j1 hello'));
    t.is(first.stderr, 'patches to apply: 1\nstep 1 of 1: make -j1 hello\n');

    const hook = writeTree(await temporaryFolder(t), {
      'hook.mjs':
        "import { register } from 'node:module';\n" +
        "register('data:text/javascript,' + encodeURIComponent('export async function load(u, c, n) { process._rawDebug(u); return n(u, c); }'));\n",
    });
    const options = ['--import', pathToFileURL(join(hook, 'hook.mjs')).href];
    const second = aoeLab(['build', 'sample', '--source', folder, '--json'], options);
    t.is(second.status, 0, second.stderr);
    t.deepEqual(JSON.parse(second.stdout), { ...result, cached: true });
    // The program is one file: nothing is looked for beside it.
    t.false(second.stderr.includes('node_modules/'), second.stderr);
  },
);

testUnless(
  noCompiler(),
  'a build that fails exits with 1, a machine that lacks something with 3',
  async (t) => {
    const { folder } = writeProject(await temporaryFolder(t), HELLO.replace('return 0', 'return x'));
    const failed = aoeLab(['build', 'sample', '--source', folder, '--json']);
    t.is(failed.status, 1);
    t.regex(JSON.parse(failed.stdout).error.happened, /^hello\.c:6:\d+: error: /);
    t.regex(failed.stderr, /^ {2}log: .*\/logs\/sample-1-[0-9a-f]{12}\.log$/m);
    const lacking = aoeLab(['build', 'sqaoed', '--release', 'trunk', '--json']);
    t.is(lacking.status, 3);
    t.is(JSON.parse(lacking.stdout).error.kind, 'MissingError');
    const senseless = aoeLab(['build', 'sample', '--kernel', '6.1', '--source', folder, '--json']);
    t.is(senseless.status, 2);
    t.regex(JSON.parse(senseless.stdout).error.happened, /no kernel module/);
  },
);

test.serial('patch --dry-run says what would change and why, and writes nothing', async (t) => {
  const { folder } = writeProject(await temporaryFolder(t));
  const json = aoeLab(['patch', 'sample', '--source', folder, '--kernel', '6.1', '--dry-run', '--json']);
  t.is(json.status, 0, json.stderr);
  t.deepEqual(JSON.parse(json.stdout).patches, [
    {
      id: 'greet',
      form: 'diff',
      why: 'politeness',
      applies: true,
      reason: 'always',
      files: [{ path: 'hello.c', change: 'changed', lines: [5], offsets: [0] }],
    },
    {
      id: 'old-kernels',
      form: 'edit',
      why: 'they differ',
      applies: false,
      reason: 'kernel 6.1 is not <2.6.18',
      files: [],
    },
  ]);
  const human = aoeLab(['-v', 'patch', 'sample', '--source', folder, '--dry-run']);
  t.is(human.status, 0, human.stderr);
  t.true(human.stdout.includes('✔ greet (applies: always)\n    politeness\n    hello.c: line 5\n'));
  t.true(human.stdout.includes('– old-kernels (does not apply: no kernel was chosen)\n'));
  t.true(human.stdout.includes('\n-\tputs("hello");\n+\tputs("good day");\n'));
  t.is(readTree(folder)['hello.c'], HELLO);
});

test.serial('patch --output writes the patched tree', async (t) => {
  const { folder } = writeProject(await temporaryFolder(t));
  const output = join(await temporaryFolder(t), 'patched');
  const outcome = aoeLab([
    'patch',
    'sample',
    '--source',
    folder,
    '--kernel',
    '2.6.9',
    '--output',
    output,
    '--json',
  ]);
  t.is(outcome.status, 0, outcome.stderr);
  t.is(JSON.parse(outcome.stdout).output, output);
  t.is(readTree(output)['hello.c'], HELLO.replace('"hello"', '"good day"').replace('0', '1'));
  t.is(aoeLab(['patch', 'sample', '--source', folder, '--output', output]).status, 2);
});

test.serial('patch without a place to write to, or with a kernel that is none, is wrong use', (t) => {
  t.is(aoeLab(['patch', 'sample']).status, 2);
  t.is(aoeLab(['patch', 'sample', '--dry-run', '--kernel', 'new']).status, 2);
});

test.serial('patch on a tree that does not fit exits with 1 and names patch, file and line', async (t) => {
  const folder = writeTree(await temporaryFolder(t), { 'hello.c': 'a\nb\nc\nd\ne\n', Makefile: '' });
  const output = join(await temporaryFolder(t), 'patched');
  const outcome = aoeLab(['patch', 'sample', '--source', folder, '--output', output]);
  t.is(outcome.status, 1);
  t.is(
    outcome.stderr.replace(/ {2}→.*\n/, ''),
    'error applying the patch greet to sample 1\n  hello.c:5: hunk 1 of 1 does not apply\n  expected "\\tputs(\\"hello\\");"\n  found "e"\n',
  );
  t.false(existsSync(output));
});

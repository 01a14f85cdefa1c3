import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { MissingError } from '../../../src/base/errors.js';
import type { BuildEvent } from '../../../src/make/compile/options.js';
import { withRelease } from '../../../src/make/recipe/load.js';
import type { Patch, Recipe } from '../../../src/make/recipe/schema.js';
import { temporaryFolder } from '../../base/temporary.js';
import { noCompiler, testUnless } from '../../live/support/machine.js';
import { labError, recipeWith, release, sharedFolder } from '../patch/trees.js';
import { buildOf } from './build-of.js';
import { HELLO, projectRecipe, writeProject } from './project.js';

const cache = sharedFolder();
process.env.AOE_LAB_CACHE = cache;

const withCompiler = (title: string, body: Parameters<typeof testUnless>[2]) =>
  testUnless(noCompiler(), title, body);

function greeting(file: string): string {
  return execFileSync(file, { encoding: 'utf8' });
}

function rests(): string[] {
  return existsSync(join(cache, 'tmp')) ? readdirSync(join(cache, 'tmp')) : [];
}

withCompiler(
  'a failing compile shows its first error, names the kept log and leaves nothing else',
  async (t) => {
    const tree = writeProject(
      await temporaryFolder(t),
      'int main(void)\n{\n\treturn undeclared_thing;\n}\nint 2nd;\n',
    );
    const error = await labError(t, () => buildOf(tree, withRelease(projectRecipe(), release), { jobs: 2 }));
    t.is(error.exitCode, 1);
    t.is(error.facts.tried, 'building sample 1: make -j2 hello');
    t.regex(
      error.facts.happened,
      /^hello\.c:3:16: error: .undeclared_thing. undeclared .*\n +3 \| +return undeclared_thing;\n/,
    );
    t.false(error.facts.happened.includes('2nd'));
    t.regex(error.facts.log ?? '', /\/logs\/sample-1-[0-9a-f]{12}\.log$/);
    t.true(error.facts.log?.startsWith(cache));
    const log = readFileSync(error.facts.log ?? '', 'utf8');
    t.regex(log, /^sample 1, build [0-9a-f]{64}\nnetwork: .*\n\$ sh -c :\n\$ make -j2 hello\n/);
    t.true(log.includes('undeclared_thing'));
    t.deepEqual(rests(), []);
  },
);

test.serial('what is missing is said before anything starts, with one line that installs it', async (t) => {
  const recipe = recipeWith([], {
    requires: [
      { command: 'no-such-tool', debian: 'tool' },
      { header: 'no/such.h', debian: 'such-dev' },
      { header: 'no/other.h', debian: 'such-dev' },
    ],
    steps: [{ run: ['touch', '/nowhere/started'] }],
  });
  const error = await t.throwsAsync(
    buildOf({ folder: '/nowhere', digest: 'd' }, withRelease(recipe, release)),
    {
      instanceOf: MissingError,
    },
  );
  t.is(error?.exitCode, 3);
  t.is(error?.facts.happened, 'missing here: command no-such-tool, header no/such.h, header no/other.h');
  t.is(error?.facts.next, 'apt-get install --no-install-recommends tool such-dev');
  t.deepEqual(error?.missing, ['no-such-tool', 'no/such.h', 'no/other.h']);
});

test.serial("what this version can't build is refused with the recipe's words", async (t) => {
  const other = { ...release, unavailable: 'not in this version' };
  const error = await t.throwsAsync(
    buildOf({ folder: '/nowhere', digest: 'd' }, withRelease(recipeWith([]), other)),
    { instanceOf: MissingError },
  );
  t.is(error?.facts.happened, 'not in this version');
});

test.serial('a kernel module is not built for no kernel', async (t) => {
  const recipe: Recipe = { ...recipeWith([]), kind: 'kernel module' };
  const error = await t.throwsAsync(
    buildOf({ folder: '/nowhere', digest: 'd' }, withRelease(recipe, release)),
    {
      instanceOf: MissingError,
    },
  );
  t.is(error?.facts.happened, 'nothing says for which kernel');
});

withCompiler('steps that end well without the artifact fail', async (t) => {
  const tree = writeProject(await temporaryFolder(t));
  const recipe = projectRecipe();
  recipe.build.artifacts.push({ name: 'other', path: 'bin/other' });
  const error = await labError(t, () => buildOf(tree, withRelease(recipe, release)));
  t.is(error.facts.happened, 'all steps ended well, but there is no file bin/other afterwards');
  t.truthy(error.facts.log);
});

withCompiler('a step whose command is not there says so', async (t) => {
  const tree = writeProject(await temporaryFolder(t));
  const recipe = projectRecipe();
  recipe.build.steps = [{ run: ['no-such-command', 'x'] }];
  const error = await labError(t, () => buildOf(tree, withRelease(recipe, release)));
  t.is(error.facts.tried, 'building sample 1: no-such-command x');
  t.is(error.facts.happened, 'no such command');
  t.is(readFileSync(error.facts.log ?? '', 'utf8').split('\n')[2], '$ no-such-command x');
});

withCompiler('a build that is called off ends, keeps its log and leaves nothing else', async (t) => {
  const tree = writeProject(await temporaryFolder(t));
  const controller = new AbortController();
  const onEvent = ({ kind }: BuildEvent) => {
    if (kind === 'build-step') setImmediate(() => controller.abort());
  };
  const { signal } = controller;
  const error = await labError(t, () =>
    buildOf(tree, withRelease(projectRecipe('exec sleep 60'), release), { signal, onEvent }),
  );
  t.truthy(error.facts.log);
  t.deepEqual(rests(), []);
});

withCompiler('a step that names a variable nobody knows fails by that name', async (t) => {
  const tree = writeProject(await temporaryFolder(t));
  const error = await labError(t, () =>
    buildOf(tree, withRelease(projectRecipe('echo {{nobody}}'), release)),
  );
  t.is(error.facts.happened, 'there is no variable "nobody"');
});

withCompiler('patch, build, and the second time a hit that runs nothing', async (t) => {
  const folder = await temporaryFolder(t);
  const tree = writeProject(folder);
  const patches: Patch[] = [
    { form: 'edit', id: 'greet', why: 'w', files: ['hello.c'], replace: 'hello', by: 'good day', count: 1 },
    {
      form: 'edit',
      id: 'never',
      why: 'w',
      files: ['hello.c'],
      replace: 'x',
      by: 'y',
      when: { kernel: '>=1' },
    },
  ];
  const recipe = projectRecipe('date +%s%N > stamp; cat stamp', patches);
  const events: BuildEvent[] = [];
  const first = await buildOf(tree, withRelease(recipe, release), {
    jobs: 3,
    onEvent: (event) => events.push(event),
  });
  t.like(first, { implementation: 'sample', release: '1', cached: false, patches: ['greet'], warnings: 0 });
  t.deepEqual(
    events.map(({ kind }) => kind),
    ['build-patching', 'build-step', 'build-step', 'built'],
  );
  t.is(greeting(first.artifacts[0]?.path ?? ''), 'good day\n');
  t.true(readFileSync(first.log, 'utf8').includes('$ make -j3 hello'));
  const log = readFileSync(first.log, 'utf8');
  const second = await buildOf(tree, withRelease(recipe, release), {
    jobs: 1,
    onEvent: ({ kind }) => t.is(kind, 'build-cached'),
  });
  t.deepEqual(second, { ...first, cached: true });
  t.is(readFileSync(first.log, 'utf8'), log);
  t.deepEqual(rests(), []);
  t.is(readFileSync(join(folder, 'hello.c'), 'utf8'), HELLO);

  const forced = await buildOf(tree, withRelease(recipe, release), { force: true });
  t.is(forced.key, first.key);
  t.false(forced.cached);
  t.deepEqual(forced.artifacts, first.artifacts);
  // Its steps ran again: the log has their output of now.
  t.not(readFileSync(first.log, 'utf8'), log);
  t.deepEqual(rests(), []);
});

withCompiler('a tampered artifact is built again', async (t) => {
  const tree = writeProject(await temporaryFolder(t));
  const recipe = projectRecipe(': tamper');
  const first = await buildOf(tree, withRelease(recipe, release));
  writeFileSync(first.artifacts[0]?.path ?? '', 'evil');
  const second = await buildOf(tree, withRelease(recipe, release));
  t.false(second.cached);
  t.is(greeting(second.artifacts[0]?.path ?? ''), 'hello\n');
  t.true((await buildOf(tree, withRelease(recipe, release))).cached);
});

withCompiler('tree, patches, steps, environment and requirements each make another build', async (t) => {
  const tree = writeProject(await temporaryFolder(t));
  const recipe = projectRecipe(': keys');
  const edit: Patch = { form: 'edit', id: 'e', why: 'w', files: ['hello.c'], replace: 'hello', by: 'hi' };
  const keyOf = async (
    changed: Partial<Recipe['build']>,
    digest: string = tree.digest,
    patches: Patch[] = [],
  ) =>
    (
      await buildOf(
        { ...tree, digest },
        withRelease({ ...recipe, patches, build: { ...recipe.build, ...changed } }, release),
      )
    ).key;
  const keys = [
    await keyOf({}),
    await keyOf({}, 'e'.repeat(64)),
    await keyOf({}, tree.digest, [edit]),
    await keyOf({}, tree.digest, [{ ...edit, by: 'ho' }]),
    await keyOf({ env: { CFLAGS: '-O2' } }),
    await keyOf({ steps: recipe.build.steps.slice(1) }),
    await keyOf({ requires: [...recipe.build.requires, { header: 'stdio.h', debian: 'libc6-dev' }] }),
  ];
  process.env.LDFLAGS = '-Wl,-O1';
  t.teardown(() => delete process.env.LDFLAGS);
  keys.push(await keyOf({}));
  t.is(new Set(keys).size, keys.length);
  delete process.env.LDFLAGS;
  t.is(await keyOf({}), keys[0] as string);
  t.is(await keyOf({}, tree.digest, [{ ...edit, why: 'better words' }]), keys[2] as string);
});

withCompiler('steps may depend on files, warnings are counted, the environment is set', async (t) => {
  const folder = await temporaryFolder(t);
  const tree = writeProject(folder, HELLO.replace('puts', 'int unused;\n\tputs'));
  const recipe = projectRecipe('echo "$SOURCE_DATE_EPOCH,$MAKEFLAGS,$TZ" > env; cp env copy');
  const [first, second] = recipe.build.steps;
  recipe.build.steps = [
    { run: ['false'], ifExists: 'nothing' },
    { run: ['false'], ifMissing: 'Makefile' },
    ...(first ? [first] : []),
    ...(second ? [{ ...second, ifExists: 'copy' }] : []),
  ];
  recipe.build.artifacts.push({ name: 'env', path: 'copy' });
  process.env.MAKEFLAGS = '--no-such-flag';
  t.teardown(() => delete process.env.MAKEFLAGS);
  const built = await buildOf(tree, withRelease(recipe, release));
  t.is(built.warnings, 1);
  t.is(readFileSync(built.artifacts[1]?.path ?? '', 'utf8'), '1000000000,,UTC\n');
});

import { execFileSync } from 'node:child_process';
import { cp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { UsageError } from '../../../src/base/errors.js';
import { packageRoot } from '../../../src/base/files/paths.js';
import { loadRecipe, loadRecipes, RecipeError, select } from '../../../src/make/recipe/load.js';
import { temporaryFolder } from '../../base/temporary.js';

test.beforeEach(() => {
  delete process.env.AOE_LAB_RECIPES;
});

test.serial('an unknown name is answered with the known ones', async (t) => {
  process.env.AOE_LAB_CACHE = await temporaryFolder(t);
  const error = await t.throwsAsync(loadRecipe('vblad'));
  t.regex(String((error as { facts?: { next?: string } }).facts?.next), /ggaoed, kvblade, native/);
});

test.serial('an eighth target is a file in a folder of the user', async (t) => {
  process.env.AOE_LAB_CACHE = await temporaryFolder(t);
  const own = await temporaryFolder(t);
  process.env.AOE_LAB_RECIPES = own;
  const before = (await loadRecipes()).length;
  await cp(join(packageRoot, 'recipes', 'native.yaml'), join(own, 'mine.yaml'));
  await writeFile(
    join(own, 'mine.yaml'),
    (await (await import('node:fs/promises')).readFile(join(own, 'mine.yaml'), 'utf8')).replace(
      'name: native',
      'name: mine',
    ),
  );
  t.is((await loadRecipes()).length, before + 1);
  t.is((await loadRecipe('mine')).name, 'mine');
});

test.serial('the kept result is not used once a recipe changes, and a torn one is made again', async (t) => {
  const cache = await temporaryFolder(t);
  process.env.AOE_LAB_CACHE = cache;
  const first = await loadRecipes();
  const [kept] = await readdir(join(cache, 'recipes'));
  await writeFile(join(cache, 'recipes', String(kept)), '[{"name": "tor');
  t.deepEqual(await loadRecipes(), first);
  const own = await temporaryFolder(t);
  process.env.AOE_LAB_RECIPES = own;
  await writeFile(join(own, 'bad.yaml'), 'name: bad\n');
  const error = await t.throwsAsync(loadRecipes(), { instanceOf: RecipeError });
  t.true((error?.faults.length ?? 0) > 3);
  t.true(error?.faults.every(({ file, line }) => file === join(own, 'bad.yaml') && line >= 1));
});

test.serial(
  'HOSTILE 8: kept recipes that were changed, or kept for other texts, are made again',
  async (t) => {
    const cache = await temporaryFolder(t);
    process.env.AOE_LAB_CACHE = cache;
    const first = await loadRecipes();
    const [name] = await readdir(join(cache, 'recipes'));
    const file = join(cache, 'recipes', String(name));
    const whole = await readFile(file, 'utf8');
    const changed = whole.replaceAll('"run":["make",', '"run":["pwn",');
    t.not(changed, whole);
    await writeFile(file, changed);
    t.deepEqual(await loadRecipes(), first);
    t.is(await readFile(file, 'utf8'), whole);
    await writeFile(file, JSON.stringify([{ name: 'vblade' }]));
    t.deepEqual(await loadRecipes(), first);
    // As it stands it is whole, and of other texts.
    const own = await temporaryFolder(t);
    process.env.AOE_LAB_RECIPES = own;
    const mine = (await readFile(join(packageRoot, 'recipes', 'native.yaml'), 'utf8')).replace(
      'name: native',
      'name: mine',
    );
    await writeFile(join(own, 'mine.yaml'), mine);
    await loadRecipes();
    const other = (await readdir(join(cache, 'recipes'))).find((one) => one !== name);
    await writeFile(join(cache, 'recipes', String(other)), whole);
    t.true((await loadRecipes()).some((recipe) => recipe.name === 'mine'));
  },
);

test.serial('hostile: a recipe that is a pipe, has no end or is nested too deeply is named', async (t) => {
  process.env.AOE_LAB_CACHE = await temporaryFolder(t);
  const own = await temporaryFolder(t);
  process.env.AOE_LAB_RECIPES = own;
  const file = join(own, 'bad.yaml');
  execFileSync('mkfifo', [file]);
  await t.throwsAsync(loadRecipes(), { instanceOf: UsageError, message: /bad\.yaml: it is a pipe/ });
  await rm(file);
  await symlink('/dev/zero', file);
  await t.throwsAsync(loadRecipes(), { instanceOf: UsageError, message: /bad\.yaml: it is longer than/ });
  await rm(file);
  await writeFile(file, '- '.repeat(100_000));
  await t.throwsAsync(loadRecipes(), { instanceOf: RecipeError, message: /bad\.yaml:1:\d+: .*too deeply/ });
});

test.serial('a release has its own control and build where the recipe gives them', async (t) => {
  process.env.AOE_LAB_CACHE = await temporaryFolder(t);
  const vblade = await loadRecipe('vblade');
  t.is(select(vblade).release.version, '25');
  t.true('offset' in select(vblade).control.options);
  t.false('offset' in select(vblade, '19').control.options);
  t.throws(() => select(vblade, '26'), { message: /no such release/ });
});

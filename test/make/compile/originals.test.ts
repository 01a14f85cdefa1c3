/** Builds of original trees with the recipes and patches of this package. */

import { accessSync, constants, readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { packageRoot } from '../../../src/base/files/paths.js';
import { missingFor } from '../../../src/make/compile/requirements.js';
import { patchWhy } from '../../../src/make/patch/files.js';
import { loadRecipe, loadRecipes, select } from '../../../src/make/recipe/load.js';
import { noCompiler, sourceTree, testUnless } from '../../live/support/machine.js';
import { sharedFolder } from '../patch/trees.js';
import { buildOf } from './build-of.js';

const builds: { name: string; version: string; folder: string; patches?: string; artifact: string }[] = [
  { name: 'vblade', version: '25', folder: 'vblade-25', patches: 'vblade', artifact: 'vblade' },
  { name: 'vblade', version: '21', folder: 'vblade-21', patches: 'vblade', artifact: 'vblade' },
  { name: 'ggaoed', version: '0.9', folder: 'ggaoed-0.9', patches: 'ggaoed/0.9', artifact: 'ggaoed' },
  { name: 'ggaoed', version: '1.1', folder: 'ggaoed-1.1', patches: 'ggaoed/1.1', artifact: 'ggaoed' },
  { name: 'qaoed', version: 'trunk', folder: 'qaoed-trunk', patches: 'qaoed', artifact: 'qaoed' },
];

/** Why a release can't be built here; a recipe that isn't there is for the test to stumble over. */
async function obstacle(name: string, version: string, folder: string): Promise<string | undefined> {
  const tree = sourceTree(folder);
  if ('reason' in tree) return tree.reason;
  const recipe = (await loadRecipes()).find((one) => one.name === name);
  const requires = recipe === undefined ? [] : select(recipe, version).build.requires;
  const missing = missingFor(requires).map((one) => one.name);
  return noCompiler() ?? (missing.length > 0 ? `needs ${missing.join(', ')}` : undefined);
}

// Known before the first test is declared: ava wants all of them at once.
const obstacles = await Promise.all(
  builds.map(({ name, version, folder }) => obstacle(name, version, folder)),
);

process.env.AOE_LAB_CACHE = sharedFolder();

for (const [index, { name, version, folder, patches, artifact }] of builds.entries()) {
  const tree = sourceTree(folder);
  testUnless(
    obstacles[index],
    `${name} ${version} builds from its original tree with all its patches, and the second time is a hit`,
    async (t) => {
      t.timeout(600_000);
      const recipe = await loadRecipe(name);
      const selected = select(recipe, version);
      const source = { folder: 'path' in tree ? tree.path : '', digest: 'd'.repeat(64) };
      const built = await buildOf(source, selected);
      t.false(built.cached);
      const files = patches === undefined ? [] : readdirSync(join(packageRoot, 'patches', patches));
      t.deepEqual(
        [...built.patches].sort(),
        files
          .filter((file) => file.endsWith('.patch'))
          .map((file) => file.slice(0, -'.patch'.length))
          .sort(),
      );
      const path = built.artifacts.find((one) => one.name === artifact)?.path ?? '';
      t.notThrows(() => accessSync(path, constants.X_OK));
      t.true((await buildOf(source, selected)).cached);
    },
  );
}

test.serial('every patch that a recipe names is there and says why', async (t) => {
  for (const recipe of await loadRecipes()) {
    for (const patch of recipe.patches)
      t.not(patchWhy(patch), '', `${recipe.name}: ${JSON.stringify(patch)}`);
  }
});

/** What a lab asks of its implementations, against what their recipes say they can do. */
import type { Fault } from '../document.js';
import { LabError } from '../errors.js';
import { effective, findRelease, loadRecipes } from '../recipe/load.js';
import { checkWish } from '../target/wish.js';
import type { Lab, LabExport } from './lab.js';
import { didYouMean } from './similar.js';
import { wishOf } from './wish.js';

/** @throws RecipeError if the recipes themselves can't be used */
export async function checkAgainstRecipes(lab: Lab): Promise<Fault[]> {
  const recipes = await loadRecipes();
  const names = recipes.map(({ name }) => name);
  const check = (one: LabExport): (Omit<Fault, 'path'> & { field: string }) | undefined => {
    const recipe = recipes.find(({ name }) => name === one.implementation);
    if (recipe === undefined) {
      const near = didYouMean(one.implementation, names);
      return {
        field: 'implementation',
        message: `there is no implementation ${one.implementation}${near || `; there are ${names.join(', ')}`}`,
      };
    }
    const version = recipe.releases.map((release) => release.version);
    if (one.release !== undefined && !version.includes(one.release)) {
      return {
        field: 'release',
        message: `${recipe.name} has no release ${one.release}; it has ${version.join(', ')}`,
      };
    }
    const release = findRelease(recipe, one.release);
    try {
      checkWish(recipe.name, release.version, effective(recipe, release).control, wishOf(one));
      return undefined;
    } catch (error) {
      if (!(error instanceof LabError)) throw error;
      return { field: 'options', message: error.facts.happened };
    }
  };
  return lab.exports.flatMap((one, index) => {
    const fault = check(one);
    return fault === undefined ? [] : [{ path: ['exports', index, fault.field], message: fault.message }];
  });
}

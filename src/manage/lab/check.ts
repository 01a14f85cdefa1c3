/** What a lab asks of its implementations, against what their recipes say they can do. */
import type { Fault } from '../../base/document.js';
import { LabError } from '../../base/errors.js';
import { loadRecipes, select } from '../../make/recipe/load.js';
import { checkSpec } from '../../serve/exports/spec.js';
import type { Lab, LabExport } from './lab.js';
import { didYouMean } from './similar.js';
import { specOf } from './spec.js';

/**
 * Checks every export, and puts in what the recipes tell: its release, and a loop device where the target needs one.
 * @throws RecipeError if the recipes themselves can't be used
 */
export async function completeLab(lab: Lab): Promise<{ lab: Lab; faults: Fault[] }> {
  const recipes = await loadRecipes();
  const faults: Fault[] = [];
  const exports = lab.exports.map((one, index): LabExport => {
    const fault = (field: string, message: string): LabExport => {
      faults.push({ path: ['exports', index, field], message });
      return one;
    };
    const recipe = recipes.find(({ name }) => name === one.implementation);
    if (recipe === undefined) {
      const names = recipes.map(({ name }) => name);
      const near = didYouMean(one.implementation, names) || `; there are ${names.join(', ')}`;
      return fault('implementation', `there is no implementation ${one.implementation}${near}`);
    }
    const versions = recipe.releases.map(({ version }) => version);
    if (one.release !== undefined && !versions.includes(one.release)) {
      const known = versions.join(', ');
      return fault('release', `${recipe.name} has no release ${one.release}; it has ${known}`);
    }
    const selected = select(recipe, one.release);
    const { release, control } = selected;
    try {
      checkSpec(recipe.name, release.version, control, specOf(lab, one));
    } catch (error) {
      if (!(error instanceof LabError)) throw error;
      return fault('options', error.facts.happened);
    }
    const loop = one.loop || control.backing === 'device';
    return { ...one, release: release.version, ...(loop ? { loop } : {}) };
  });
  return { lab: { ...lab, exports }, faults };
}

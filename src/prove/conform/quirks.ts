import type { Recipe } from '../../make/recipe/schema.js';
import { matchesGlob } from './glob.js';

export type Quirk = Recipe['quirks'][number];

/** The known deviations of a release that name cases. */
export function caseQuirks(recipe: Recipe, release: string): Quirk[] {
  return recipe.quirks.filter(
    ({ cases, releases }) => cases !== undefined && (releases === undefined || releases.includes(release)),
  );
}

/** The first known deviation that names a case. */
export function quirkOf(quirks: readonly Quirk[], name: string): Quirk | undefined {
  return quirks.find(({ cases = [] }) => cases.some((pattern) => matchesGlob(pattern, name)));
}

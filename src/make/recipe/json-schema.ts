import { z } from 'zod';
import { Recipe } from './schema.js';

/** The schema of recipes as JSON Schema (2020-12), for editors; published as `recipes/recipe.schema.json`. */
export function recipeJsonSchema(): object {
  return z.toJSONSchema(Recipe, { io: 'input' });
}

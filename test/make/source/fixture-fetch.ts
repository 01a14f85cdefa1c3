/** Run as a process of its own: fetches the toy from the sources of its first argument (JSON); prints the tree, or the error. */
import { LabError } from '../../../src/base/errors.js';
import type { Source } from '../../../src/make/recipe/schema.js';
import { fetchSource } from '../../../src/make/source/fetch.js';
import { recipeOf } from './helpers.js';

const selected = recipeOf(JSON.parse(process.argv[2] ?? '[]') as Source[]);
try {
  process.stdout.write(JSON.stringify(await fetchSource(selected)));
} catch (error) {
  if (!(error instanceof LabError)) throw error;
  process.stdout.write(JSON.stringify({ happened: error.facts.happened }));
}

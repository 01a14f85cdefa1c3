/**
 * Recipes from `recipes/` of this package and, after them, from the folders in `$AOE_LAB_RECIPES` (a later one of the
 * same name wins). Parsing and checking costs more than all the rest of a short command, and checking alone a fifth of it: so
 * the checked result is kept in the cache under the digest of the texts, and counts as long as it is as it was written. That is
 * no proof of who wrote it: `requireOwn` sees to that for the whole store.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { delimiter, join, relative } from 'node:path';
import { digestOf } from '../../base/digest.js';
import type { DocumentFault } from '../../base/document.js';
import { UsageError } from '../../base/errors.js';
import { requireOwn } from '../../base/files/own-folders.js';
import { cacheFolder, packageRoot } from '../../base/files/paths.js';
import { readTextFile } from '../../base/files/text-file.js';
import type { Recipe, Release } from './schema.js';

/** Recipes that can't be used, with all their faults. */
export class RecipeError extends UsageError {
  readonly faults: readonly DocumentFault[];

  constructor(faults: readonly DocumentFault[]) {
    super({
      tried: 'reading the recipes',
      happened: faults.map(
        ({ file, line, column, field, reason }) =>
          `${file}:${line}:${column}: ${field || 'document'}: ${reason}`,
      ),
      next: 'correct these fields; recipes/recipe.schema.json describes them and lets an editor check them',
    });
    this.faults = faults;
  }
}

/**
 * All recipes, sorted by name.
 * @throws RecipeError with every fault of every file
 */
export async function loadRecipes(): Promise<Recipe[]> {
  const files = recipeFiles();
  const texts = await Promise.all(files.map((file) => readTextFile(file, 'correct AOE_LAB_RECIPES', 0)));
  const key = digestOf([packageVersion(), ...files, ...texts].join('\0'));
  const cached = join(cacheFolder(), 'recipes', `${key}.json`);
  const kept = readKept(cached, key);
  if (kept !== undefined) return kept;
  const { parseRecipe } = await import('./parse.js');
  const faults: DocumentFault[] = [];
  const byName = new Map<string, Recipe>();
  for (const [index, file] of files.entries()) {
    const outcome = parseRecipe(shortName(file), texts[index] as string);
    if ('faults' in outcome) faults.push(...outcome.faults);
    else byName.set(outcome.recipe.name, outcome.recipe);
  }
  if (faults.length > 0) throw new RecipeError(faults);
  const recipes = [...byName.values()].sort((a, b) => a.name.localeCompare(b.name));
  keep(cached, key, recipes);
  return recipes;
}

/**
 * One recipe by name.
 * @throws UsageError that lists the names if there is none
 */
export async function loadRecipe(name: string): Promise<Recipe> {
  const recipes = await loadRecipes();
  const recipe = recipes.find((candidate) => candidate.name === name);
  if (recipe === undefined) {
    throw new UsageError({
      tried: `looking for the implementation "${name}"`,
      happened: 'there is no recipe of that name',
      next: `take one of ${recipes.map((known) => known.name).join(', ')}`,
    });
  }
  return recipe;
}

/**
 * The release asked for, else the one marked default, else the first.
 * @throws UsageError that lists the releases if it is not known
 */
function findRelease(recipe: Recipe, version?: string): Release {
  const release =
    version === undefined
      ? (recipe.releases.find((candidate) => candidate.default) ?? recipe.releases[0])
      : recipe.releases.find((candidate) => candidate.version === version);
  if (release === undefined) {
    throw new UsageError({
      tried: `looking for release ${version} of ${recipe.name}`,
      happened: 'the recipe has no such release',
      next: `take one of ${recipe.releases.map((known) => known.version).join(', ')}`,
    });
  }
  return release;
}

/** A release with what holds for it: build and control data of its own, where it has them, else the recipe's. */
export interface SelectedRelease extends Pick<Recipe, 'build' | 'control'> {
  recipe: Recipe;
  release: Release;
}

/**
 * @param version Default: the recipe's default release
 * @throws UsageError if there is no such release
 */
export function select(recipe: Recipe, version?: string): SelectedRelease {
  return withRelease(recipe, findRelease(recipe, version));
}

export function withRelease(recipe: Recipe, release: Release): SelectedRelease {
  return {
    recipe,
    release,
    build: release.build ?? recipe.build,
    control: release.control ?? recipe.control,
  };
}

function recipeFiles(): string[] {
  const folders = [join(packageRoot, 'recipes')];
  for (const folder of (process.env.AOE_LAB_RECIPES ?? '').split(delimiter)) {
    if (folder !== '') folders.push(requireOwn(folder, 'the recipes in', 'AOE_LAB_RECIPES'));
  }
  return folders.flatMap((folder) => {
    if (!existsSync(folder)) {
      throw new UsageError({
        tried: 'reading the recipes',
        happened: `there is no folder ${folder}`,
        next: 'correct AOE_LAB_RECIPES',
      });
    }
    return readdirSync(folder)
      .filter((name) => name.endsWith('.yaml'))
      .sort()
      .map((name) => join(folder, name));
  });
}

function shortName(file: string): string {
  const inside = relative(packageRoot, file);
  return inside.startsWith('..') ? file : inside;
}

function packageVersion(): string {
  return (JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { version: string }).version;
}

/** Undefined where nothing is kept, or something else than was written for these texts. */
function readKept(path: string, key: string): Recipe[] | undefined {
  try {
    const [digest, text = ''] = readFileSync(path, 'utf8').split('\n');
    return digest === digestOf(`${key}\0${text}`) ? (JSON.parse(text) as Recipe[]) : undefined;
  } catch {
    return undefined;
  }
}

function keep(path: string, key: string, recipes: readonly Recipe[]): void {
  try {
    mkdirSync(join(path, '..'), { recursive: true });
    const temporary = `${path}.${process.pid}.tmp`;
    const text = JSON.stringify(recipes);
    writeFileSync(temporary, `${digestOf(`${key}\0${text}`)}\n${text}`);
    renameSync(temporary, path);
  } catch {
    // A cache that can't be written costs time only.
  }
}

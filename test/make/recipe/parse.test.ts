import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { packageRoot } from '../../../src/base/files/paths.js';
import { recipeJsonSchema } from '../../../src/make/recipe/json-schema.js';
import { parseRecipe } from '../../../src/make/recipe/parse.js';
import type { Recipe } from '../../../src/make/recipe/schema.js';

const good = readFileSync(join(packageRoot, 'recipes', 'vblade.yaml'), 'utf8');

function faultsOf(text: string) {
  const outcome = parseRecipe('a.yaml', text);
  return 'faults' in outcome ? outcome.faults : [];
}

/** Replaces a text that must be there, and tells the line it was on. */
function broken(from: string, to: string): { text: string; line: number } {
  const at = good.indexOf(from);
  if (at < 0) throw new Error(`"${from}" is not in the recipe`);
  return { text: good.replace(from, to), line: good.slice(0, at).split('\n').length };
}

test('YAML that does not parse is reported with its line', (t) => {
  const [fault, ...others] = faultsOf('name: a\nkind: [\n');
  t.is(others.length, 0);
  t.is(fault?.file, 'a.yaml');
  t.is(fault?.line, 3);
  t.is(fault?.field, '');
});

test('a field of the wrong kind is named with line, path and reason', (t) => {
  const { text, line } = broken('size: 32524', 'size: many');
  t.deepEqual(faultsOf(text), [
    {
      file: 'a.yaml',
      line,
      column: String(text.split('\n')[line - 1]).indexOf('many') + 1,
      field: 'releases[0].sources[1].size',
      reason: 'Invalid input: expected number, received string',
    },
  ]);
});

test('an unknown field is named itself', (t) => {
  const { text, line } = broken('summary:', 'sumary:');
  const faults = faultsOf(text);
  t.deepEqual(
    faults.map(({ field, reason }) => [field, reason]).sort(),
    [
      ['sumary', 'no such field'],
      ['summary', 'Invalid input: expected string, received undefined'],
    ].sort(),
  );
  t.is(faults.find(({ field }) => field === 'sumary')?.line, line);
});

test('every fault of a file is found, not only the first', (t) => {
  const once = broken('state: alive', 'state: asleep').text;
  t.is(faultsOf(once.replace('kind: user-space daemon', 'kind: 3')).length, 2);
});

test('a digest of the wrong length is refused', (t) => {
  const { text } = broken('a70ee7e98a71bc2a', 'a70e');
  t.is(faultsOf(text)[0]?.field, 'releases[0].sources[1].sha512');
  t.regex(faultsOf(text)[0]?.reason ?? '', /128 lower-case hex digits/);
});

test('a patch for a release that does not exist is refused', (t) => {
  const { text } = broken(
    'patches:',
    'patches:\n  - { form: edit, id: x, why: y, files: [a], replace: b, by: c, count: 1, when: { release: ["7"] } }',
  );
  t.deepEqual(
    faultsOf(text).map(({ field, reason }) => [field, reason]),
    [['patches[0].when.release', 'there is no release 7']],
  );
});

test('an expression that is none is refused, also that of a saying', (t) => {
  const { text } = broken("line: '^open: Invalid argument'", "line: '^open: ('");
  t.deepEqual(
    faultsOf(text).map(({ field }) => field),
    [
      'control.says[2].line',
      'releases[1].control.says[2].line',
      'releases[2].control.says[2].line',
      'releases[3].control.says[2].line',
    ],
  );
});

test('two default releases are refused', (t) => {
  const { text } = broken('  - version: "21"', '  - version: "21"\n    default: true');
  t.is(faultsOf(text)[0]?.reason, 'more than one release is marked default');
});

test('all eight recipes of this package are whole', (t) => {
  const folder = join(packageRoot, 'recipes');
  const files = readdirSync(folder).filter((name) => name.endsWith('.yaml'));
  const recipes: Recipe[] = [];
  for (const file of files) {
    const outcome = parseRecipe(file, readFileSync(join(folder, file), 'utf8'));
    t.deepEqual('faults' in outcome ? outcome.faults : [], []);
    if ('recipe' in outcome) recipes.push(outcome.recipe);
  }
  t.deepEqual(recipes.map(({ name }) => name).sort(), [
    'aoeserver',
    'ggaoed',
    'kvblade',
    'native',
    'qaoed',
    'sqaoed',
    'vblade',
    'vblade-kernel',
  ]);
  for (const recipe of recipes) {
    t.true(files.includes(`${recipe.name}.yaml`));
    for (const patch of recipe.patches) {
      if (patch.form === 'edit') continue;
      t.notThrows(() => readFileSync(join(packageRoot, 'patches', patch.file)));
    }
    for (const { script } of recipe.releases) {
      if (script !== undefined) t.notThrows(() => readFileSync(join(packageRoot, 'templates', script)));
    }
    for (const control of [recipe.control, ...recipe.releases.map((release) => release.control)]) {
      if (control?.shape !== 'daemon') continue;
      t.notThrows(() => readFileSync(join(packageRoot, 'templates', control.config.template)));
    }
  }
});

test('the published JSON Schema is the one the recipes are checked by', (t) => {
  const published = JSON.parse(readFileSync(join(packageRoot, 'recipes', 'recipe.schema.json'), 'utf8'));
  t.deepEqual(published, JSON.parse(JSON.stringify(recipeJsonSchema())));
});

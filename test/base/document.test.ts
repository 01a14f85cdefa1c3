import test from 'ava';
import { openDocument, wordOf } from '../../src/base/document.js';
import { parseRecipe } from '../../src/make/recipe/parse.js';
import { parseLab } from '../../src/manage/lab/load.js';

const DEEP: Record<string, string> = {
  lists: '['.repeat(100_000),
  'lists that end': `${'['.repeat(5000)}${']'.repeat(5000)}`,
  maps: '{'.repeat(100_000),
  'lists in lines': '- '.repeat(100_000),
  keys: '? '.repeat(100_000),
  'maps in lines': Array.from({ length: 2000 }, (_, at) => `${' '.repeat(at)}a:`).join('\n'),
};

for (const [what, text] of Object.entries(DEEP)) {
  test(`hostile: ${what} that are nested too deeply are a fault of the file, with its place`, (t) => {
    for (const parse of [parseLab, parseRecipe]) {
      const outcome = parse('x.yaml', text);
      if (!('faults' in outcome)) return t.fail();
      t.is(outcome.faults.length, 1);
      t.like(outcome.faults[0], { file: 'x.yaml', reason: 'it is nested too deeply' });
      t.true((outcome.faults[0]?.line ?? 0) >= 1);
    }
    t.is(wordOf(text), text);
    return undefined;
  });
}

test('what people write is told as before: values, faults with their places, one document', (t) => {
  const opened = openDocument('x.yaml', 'a:\n  - {b: [1, "2"]}\n');
  if ('faults' in opened) return t.fail();
  t.deepEqual(opened.content(), { value: { a: [{ b: [1, '2'] }] } });
  t.deepEqual(openDocument('x.yaml', 'a: 1\na: 2\n'), {
    faults: [{ file: 'x.yaml', line: 2, column: 1, field: '', reason: 'Map keys must be unique' }],
  });
  const two = openDocument('x.yaml', 'a: 1\n---\nb: 1\n');
  t.regex('faults' in two ? (two.faults[0]?.reason ?? '') : '', /second document/);
  const alias = openDocument('x.yaml', 'a: *b\n');
  if ('faults' in alias) return t.regex(alias.faults[0]?.reason ?? '', /b/);
  const content = alias.content();
  return t.regex('faults' in content ? (content.faults[0]?.reason ?? '') : '', /alias/);
});

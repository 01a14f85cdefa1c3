import test from 'ava';
import { UsageError } from '../../../src/base/errors.js';
import { loadRecipe } from '../../../src/make/recipe/load.js';
import { CASES } from '../../../src/prove/conform/cases/index.js';
import { matchesGlob } from '../../../src/prove/conform/glob.js';
import { selectCases } from '../../../src/prove/conform/select.js';

const FAMILIES = [
  'header',
  'addressing',
  'config',
  'ata-28',
  'ata-48',
  'identify',
  'flush',
  'limits',
  'masks',
  'reserve',
  'errors',
  'malformed',
  'retransmission',
  'concurrency',
  'announcements',
  'persistence',
];

test('there are at least 150 cases, in all families, each named once as FAMILY.Suite.Case', (t) => {
  t.true(CASES.length >= 150);
  t.is(new Set(CASES.map(({ name }) => name)).size, CASES.length);
  for (const { name } of CASES) t.regex(name, /^[a-z0-9-]+\.[A-Z][A-Za-z0-9]*\.[A-Z][A-Za-z0-9]*$/);
  t.deepEqual([...new Set(CASES.map(({ name }) => name.split('.')[0]))], FAMILIES);
});

test('each case has a rule of one line, and says where it comes from', (t) => {
  for (const { name, rule, section } of CASES) {
    t.regex(rule, /^[^\n]{10,120}$/, name);
    t.regex(section, /^(AoE \d(\.\d)?|ATA \d+\.\d+|IEEE 802\.(3|1Q) [0-9A.]+)$/, name);
  }
});

test('cases are chosen by globs, several divided by a bar', (t) => {
  t.true(matchesGlob('ata-28.*', 'ata-28.Read.First'));
  t.false(matchesGlob('ata-28.*', 'ata-48.Read.First'));
  t.false(matchesGlob('ata', 'ata-28.Read.First'));
  t.true(matchesGlob('*.read.f?rst', 'ata-28.Read.First'));
  t.false(matchesGlob('ata-28.Read.First', 'ata-28xReadxFirst'));
  t.true(matchesGlob('flush.* | *.Write.*', 'ata-48.Write.Last'));
  t.false(matchesGlob('(a+)+$', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!'));
  const flushes = selectCases('flush.*').map(({ name }) => name);
  t.is(flushes.length, 14);
  t.true(flushes.every((name) => name.startsWith('flush.')));
  t.is(selectCases(undefined), CASES);
});

test('a glob that chooses nothing is refused rather than passed', (t) => {
  const error = t.throws(() => selectCases('flsh.*'), { instanceOf: UsageError });
  t.regex(String(error?.message), /no case has such a name/);
});

for (const implementation of ['vblade', 'ggaoed', 'qaoed', 'native']) {
  test(`the quirks of ${implementation} name cases that there are`, async (t) => {
    const { quirks } = await loadRecipe(implementation);
    for (const { id, cases = [] } of quirks) {
      for (const pattern of cases) {
        t.true(
          CASES.some(({ name }) => matchesGlob(pattern, name)),
          `${id}: ${pattern}`,
        );
      }
    }
    if (implementation === 'native')
      t.deepEqual(
        quirks.filter(({ cases }) => cases !== undefined),
        [],
      );
  });
}

/** A file that changed under a target which follows it. */
import test from 'ava';
import { sectorsOf } from '../../../src/serve/exports/entry.js';
import { sizeWarnings } from '../../../src/serve/exports/size-warnings.js';
import { entryOf } from './entries.js';

const entry = entryOf({});
const then = sectorsOf(entry);

for (const [what, served, expected] of [
  [
    'has shrunk',
    then - 8,
    /has shrunk since it was exported: .* initiators have lost .* aoe-lab restart e0\.1/,
  ],
  ['has shrunk to nothing', 0, /has shrunk .* serves 0 sectors/],
  [
    'has grown',
    then + 8,
    /has grown since it was exported: its target serves \d+ sectors, \d+ then; aoe-lab/,
  ],
] as const) {
  test(`N19: status warns of a file that ${what} under a target which follows it`, (t) => {
    const [warning, ...more] = sizeWarnings(entry, served);
    t.regex(warning ?? '', expected);
    t.deepEqual(more, []);
  });
}

test('N19: a size as it was, or that is not told, is nothing to warn of', (t) => {
  for (const served of [then, undefined]) t.deepEqual(sizeWarnings(entry, served), []);
});

import test from 'ava';
import type { LabError } from '../../../src/base/errors.js';
import { here } from '../../../src/hosts/host/local.js';
import { requireOwn } from '../../../src/serve/exports/export-interface.js';
import { entryOf } from './entries.js';

test('an export whose interface is gone is told how to get it back or to end, not to take another', async (t) => {
  const entry = entryOf({ iface: 'gone0', netns: 'lab' });
  const asked: (string | undefined)[] = [];
  const list = async (netns: string | undefined) => {
    asked.push(netns);
    return [];
  };
  const error = await t.throwsAsync(requireOwn(here, entry, list));
  t.is(
    (error as LabError).facts.next,
    'make gone0 again; or end the export, and export on another: aoe-lab unexport e0.1@gone0%lab',
  );
  t.deepEqual(asked, ['lab']);
});

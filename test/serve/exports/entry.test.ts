import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { here } from '../../../src/hosts/host/local.js';
import { EntryStore, exportId } from '../../../src/serve/exports/entry.js';
import { temporaryFolder } from '../../base/temporary.js';
import { entryOf } from './entries.js';

test('an export that an earlier version was killed at is known as one that was being made', async (t) => {
  const state = join(await temporaryFolder(t), 'state');
  await mkdir(join(state, 'exports'), { recursive: true });
  const entry = entryOf({});
  const earlier = JSON.stringify({ ...entry, phase: 'wish' });
  await writeFile(join(state, 'exports', `${exportId(entry)}.json`), earlier);
  process.env.AOE_LAB_STATE = state;
  const store = await EntryStore.open(here);
  t.deepEqual(
    (await store.all()).map(({ phase }) => phase),
    ['starting'],
  );
});

/** What a state folder keeps of logs. */
import { mkdir, open, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { here } from '../../../src/hosts/host/local.js';
import { EntryStore } from '../../../src/serve/exports/entry.js';
import { collectGarbage } from '../../../src/serve/exports/garbage.js';
import { LONGEST_LOG } from '../../../src/serve/exports/log-size.js';
import { temporaryFolder } from '../../base/temporary.js';

test.serial(
  'a log that a target fills without end is cut, and the target goes on behind its end; others stay',
  async (t) => {
    const folder = await temporaryFolder(t);
    process.env.AOE_LAB_STATE = folder;
    const store = await EntryStore.open(here);
    await mkdir(join(folder, 'logs'));
    const [long, usual] = [join(folder, 'logs', 'long.log'), join(folder, 'logs', 'usual.log')];
    await writeFile(usual, 'a line\n');
    const target = await open(long, 'a');
    t.teardown(() => target.close());
    await target.write(`${'x'.repeat(99)}\n`.repeat(LONGEST_LOG / 100 + 10));
    await target.write('the last before\n');
    await collectGarbage(store);
    await target.write('the first after\n');
    const text = await readFile(long, 'utf8');
    t.regex(text, /^aoe-lab: the lines before were cut off/);
    t.true(text.endsWith('x\nthe last before\nthe first after\n'));
    t.true((await stat(long)).size < LONGEST_LOG / 32);
    t.is(await readFile(usual, 'utf8'), 'a line\n');
    await collectGarbage(store);
    t.is(await readFile(long, 'utf8'), text, 'it is short now');
  },
);

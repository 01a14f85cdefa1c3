import { rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { here } from '../../src/host/local.js';
import { StateFolder } from '../../src/target/entry.js';
import { programOf } from '../../src/target/program.js';
import { guarded } from '../../src/target/supervise.js';
import { temporaryFolder } from '../temporary.js';
import { backingOf, entryOf } from './entries.js';

test('HOSTILE 2: before each start of a process, a file that others may exchange has to be no link', async (t) => {
  const folder = await temporaryFolder(t);
  const path = join(folder, 'disk');
  await writeFile(path, '');
  const entry = entryOf({
    backing: backingOf({ name: path, opens: path, path, exposed: true, links: 'none' }),
  });
  const { before } = programOf(new StateFolder(folder), [entry], path);
  const start = () => here.run(guarded(['echo', 'started'], before), { accept: [1] });
  t.is((await start()).stdout, 'started\n');
  await rename(path, `${path}.old`);
  await symlink('disk.old', path);
  const { exitCode, stdout, stderr } = await start();
  t.deepEqual([exitCode, stdout], [1, '']);
  t.regex(stderr, /leads to .*disk\.old now/);
});

/** Values that would leave their line: whatever a command prints of them, each stays where it was put. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { stringify } from 'yaml';
import { backingOf, entryOf } from '../../serve/exports/entries.js';
import { OBEYED } from '../ui/obeyed.js';
import { runHere, shelter } from './in-process.js';

const EVIL = 'a\nforged \x1b[2J\u202e\ttext';
const PATIENCE = 120_000;

test('names of files, hosts and sources stay within their lines, in results, notes and errors', async (t) => {
  t.timeout(600_000);
  const folder = await shelter(t);
  const file = join(folder, EVIL);
  const exports = join(folder, 'state', 'exports');
  await mkdir(exports, { recursive: true });
  const backing = backingOf({ path: file });
  await writeFile(join(exports, 'e0.1@eth0.json'), JSON.stringify(entryOf({ backing })));
  const source = join(folder, `source-${EVIL}`);
  await mkdir(source);
  await writeFile(join(source, 'makefile'), 'vblade:\n');
  const lab = {
    lab: 'test',
    hosts: { desk: { ssh: 'here' } },
    exports: [{ address: 'e0.2', host: 'desk', interface: 'lo', implementation: 'native', file }],
  };
  await writeFile(join(folder, 'lab.yaml'), stringify(lab));
  const place = ['--iface', 'lo', '--shelf', '0', '--slot', '3'];
  const found: string[] = [];
  for (const argv of [
    ['status'],
    ['unexport', 'e0.1', '--dry-run'],
    ['unexport', EVIL],
    ['restart', EVIL],
    ['logs', EVIL],
    ['migrate', EVIL, '--to', 'native', '--dry-run'],
    ['export', '--impl', 'native', ...place, '--file', '/x', '--netns', EVIL],
    ['status', '--host', EVIL],
    ['status', '--host', `here,${EVIL}`],
    ['plan', '-f', join(folder, 'lab.yaml')],
    ['plan', '-f', file],
    ['fetch', 'vblade', '--source', source],
    ['fetch', 'vblade', '--source', file],
    ['patch', 'vblade', '--output', file, '--source', file],
    ['build', 'vblade-kernel', '--kernel', `/${EVIL}`],
    ['info', EVIL],
  ]) {
    const { output } = await runHere(argv, PATIENCE);
    const what = `${argv.slice(0, 2).join(' ')}: ${output}`;
    if (/^\s*forged/m.test(output) || OBEYED.test(output)) found.push(`obeyed: ${what}`);
    else if (!output.includes('forged')) found.push(`not told: ${what}`);
  }
  t.deepEqual(found, []);
});

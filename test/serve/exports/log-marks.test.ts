import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { exportedAt, linesSinceMark, MARK_LOG, SAID } from '../../../src/serve/exports/log-marks.js';
import { temporaryFolder } from '../../base/temporary.js';
import { entryOf } from './entries.js';

const mark = (id: string, time: string, occasion = 'exported') =>
  `aoe-lab: ${id} is ${occasion} at 2026-01-01T${time}.000Z`;

test('what is quoted was said since the last start by a command', (t) => {
  const lines = [
    'cannot open',
    mark('e0.1@eth0', '10:00:00', 'restarted'),
    'aoe-lab: it ended with 1',
    'no such device',
  ];
  t.deepEqual(linesSinceMark(lines), lines.slice(2));
  t.deepEqual(linesSinceMark([...lines, mark('e0.2@eth0', '10:00:01')]), []);
  t.deepEqual(linesSinceMark(['of an earlier version']), ['of an earlier version']);
  // A name that somebody chose makes no mark.
  const forged = `${mark('e0.1@eth0', '10:00:00')} or not`;
  t.deepEqual(linesSinceMark(['a', forged]), ['a', forged]);
});

test('an export begins where it was exported, behind what had its address before', (t) => {
  const own = [mark('e0.1@eth0', '12:00:01'), 'ready'].join('\n');
  const before = ['é', mark('e0.1@eth0', '10:00:00'), 'old', mark('e0.2@eth0', '12:00:02'), ''].join('\n');
  const at = (since: string) => exportedAt(`${before}${own}`, entryOf({ since: `2026-01-01T${since}.000Z` }));
  t.is(at('12:00:00'), before.length);
  t.is(at('09:00:00'), 2);
  t.is(at('13:00:00'), 0, 'of an earlier version, which made no marks');
});

test('the shell of hosts reads and writes the same marks', async (t) => {
  const log = join(await temporaryFolder(t), 'log');
  await writeFile(log, `old\n`);
  const words = 'mark_log "$1" e0.1@eth0; for n in 1 2 3 4 5 6; do echo $n >> "$1"; done; said "$1"';
  const { stdout } = spawnSync('sh', ['-c', `${MARK_LOG}\n${SAID}\n${words}`, 'sh', log], {
    encoding: 'utf8',
  });
  t.is(stdout, '2\n3\n4\n5\n6\n');
  t.deepEqual(
    linesSinceMark(spawnSync('cat', [log], { encoding: 'utf8' }).stdout.trim().split('\n')).length,
    6,
  );
});

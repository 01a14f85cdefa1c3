import test from 'ava';
import { IoFaults } from '../../../src/wire/native/io-faults.js';
import { Log } from '../../../src/wire/native/log.js';
import { toldFaults } from '../../../src/wire/native/status-file.js';

test('D8: a line that comes again and again is written once, and then counted', (t) => {
  const lines: string[] = [];
  let now = 0;
  const { say } = new Log(
    (line) => lines.push(line),
    () => now,
  );
  say('the cause');
  for (let tries = 0; tries < 500; tries++) {
    say('not yet');
    now += 2000;
  }
  t.deepEqual(lines, ['the cause', 'not yet', 'not yet (10 times by now)', 'not yet (100 times by now)']);
  // After a while it is news again.
  now += 3_600_000;
  say('not yet');
  t.is(lines.at(-1), 'not yet');
});

test('D8: two lines in turn are counted each, and only so many lines are remembered', (t) => {
  const lines: string[] = [];
  const { say } = new Log((line) => lines.push(line));
  for (let tries = 0; tries < 9; tries++) for (const line of ['gone', 'back']) say(line);
  t.deepEqual(lines, ['gone', 'back']);
  for (let number = 0; number < 1000; number++) say(`line ${number}`);
  say('gone');
  t.is(lines.length, 2 + 1000 + 1);
});

test('A19: failures are counted by kind, and told at once, then seldom', (t) => {
  const faults = new IoFaults();
  faults.record('write', 'ENOSPC', 7);
  t.regex(faults.news(0)[0] ?? '', /^writing sector 7 failed: ENOSPC, last at /);
  for (let count = 0; count < 1000; count++) faults.record('write', 'ENOSPC', count);
  faults.record('read', 'EIO', 9);
  t.deepEqual(
    faults.news(1000).map((line) => line.slice(0, 28)),
    ['reading sector 9 failed: EIO'],
  );
  t.regex(faults.news(61_000)[0] ?? '', /^writing sector 999 failed: ENOSPC, 1001 times, last at /);
  t.deepEqual(faults.news(200_000), []);
  t.deepEqual(
    faults.list.map(({ operation, code, count }) => [operation, code, count]),
    [
      ['write', 'ENOSPC', 1001],
      ['read', 'EIO', 1],
    ],
  );
});

test('A18, A19: what a target tells of its disk is a sentence each', (t) => {
  t.deepEqual(toldFaults({}), []);
  const last = '2026-01-01T00:00:00.000Z';
  const fault = { operation: 'write', code: 'ENOSPC', sector: 7, count: 2, last } as const;
  t.deepEqual(toldFaults({ stuck: 12, faults: [fault] }), [
    'stuck: no answer from its disk for 12 s',
    `its disk has a fault: writing sector 7 failed: ENOSPC, 2 times, last at ${last}`,
  ]);
});

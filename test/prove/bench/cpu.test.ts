import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { cpuTime, parseCpuTime } from '../../../src/prove/bench/cpu.js';
import { temporaryFolder } from '../../base/temporary.js';

const stat = (name: string, user: number, system: number) =>
  `4711 (${name}) S 1 4711 4711 0 -1 4194560 120 0 3 0 ${user} ${system} 77 88 20 0 5 0 9000 100000 200 18446744073709551615 1 1 0 0 0 0 0 4096 0 0 0 0 17 1 0 0 0 0 0`;

for (const [what, text] of [
  ['nothing', ''],
  ['another text', 'MemTotal: 12 kB'],
  ['a line that ends early', '4711 (vblade) S 1 4711 4711 0'],
]) {
  test(`${what} is no CPU time`, (t) => {
    t.throws(() => parseCpuTime(text as string), { instanceOf: RangeError });
  });
}

test('user and system time are added, in seconds; time of children is not in it', (t) => {
  t.is(parseCpuTime(stat('vblade', 250, 50)), 3);
});

for (const name of ['a b', '(sd-pam)', ') S 1 2 3', 'x) R 9 9']) {
  test(`a process may be called "${name}"`, (t) => {
    t.is(parseCpuTime(stat(name, 1, 2)), 0.03);
  });
}

test('the processes of a target are added up; one that is gone is an error', async (t) => {
  const proc = await temporaryFolder(t);
  for (const [pid, user] of [
    [10, 100],
    [11, 200],
  ] as const) {
    await mkdir(join(proc, String(pid)));
    await writeFile(join(proc, String(pid), 'stat'), stat('qaoed', user, 0));
  }
  t.is(await cpuTime([10, 11], proc), 3);
  t.is(await cpuTime([], proc), 0);
  await t.throwsAsync(cpuTime([10, 12], proc), { code: 'ENOENT' });
});

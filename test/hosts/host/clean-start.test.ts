import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import test from 'ava';
import { withEnvironment, withoutStrays } from '../../../src/hosts/host/clean-start.js';
import { SHELLS } from '../shells.js';

const hasBash = SHELLS.some(([program]) => program === 'bash');

/** By a shell that has files open, and things in its environment. */
async function startedBy(t: { teardown(end: () => void): void }, argv: string[]): Promise<ChildProcess> {
  const opens = 'exec 3< /dev/null 9< /dev/null 12< /dev/null 37< /dev/null; exec "$@"';
  const child = spawn('bash', ['-c', opens, 'bash', ...argv], {
    env: { ...process.env, SECRET: 'hidden', BASH_ENV: '/dev/null' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  await once(child.stdout as Readable, 'data');
  return child;
}

const PROGRAM = ['sh', '-c', 'echo "$1"; exec sleep 60', 'sh', 'a "b" $c'];

for (const [shell = '', ...more] of hasBash ? SHELLS : []) {
  test(`${shell} closes what its starter had open, descriptors of two digits too`, async (t) => {
    const [, ...script] = withoutStrays(PROGRAM);
    const child = await startedBy(t, [shell, ...more, ...script]);
    t.deepEqual((await readdir(`/proc/${child.pid}/fd`)).sort(), ['0', '1', '2']);
  });
}

test('a program has the environment that it is given, and nothing of its starter', (t) => {
  const [program = '', ...words] = withEnvironment(['env'], { MARK: "m'k" });
  const { stdout } = spawnSync(program, words, {
    encoding: 'utf8',
    env: { ...process.env, SECRET: 'hidden', LC_ALL: 'de_DE.UTF-8' },
  });
  const lines = stdout.split('\n').filter(Boolean);
  t.deepEqual(lines.map((line) => line.replace(/^PATH=.*/, 'PATH')).sort(), ['LANG=C', "MARK=m'k", 'PATH']);
});

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { guarded, supervised } from '../../../src/serve/exports/supervise.js';
import { temporaryFolder } from '../../base/temporary.js';

const run = ([program, ...args]: string[]) => spawnSync(program as string, args, { encoding: 'utf8' });

test('what must run before a program runs first, in its order, and the program gets its words as they are', (t) => {
  const { status, stdout } = run(
    guarded(
      ['printf', '[%s]', 'a "b"', '$HOME', ''],
      [
        ['echo', "it's $1"],
        ['echo', ''],
      ],
    ),
  );
  t.is(status, 0);
  t.is(stdout, 'it\'s $1\n\n[a "b"][$HOME][]');
});

test('where one of them fails, neither the next nor the program is started', (t) => {
  const { status, stdout } = run(
    guarded(
      ['echo', 'program'],
      [
        ['sh', '-c', 'exit 7'],
        ['echo', 'next'],
      ],
    ),
  );
  t.is(status, 7);
  t.is(stdout, '');
});

test('a program without any is started as it is', (t) => {
  t.deepEqual(guarded(['vblade', '0'], []), ['vblade', '0']);
  t.deepEqual(supervised(['vblade', '0'], undefined), ['vblade', '0']);
});

test('D2: a supervised program that ended with 0 is started again', async (t) => {
  const folder = await temporaryFolder(t);
  const count = join(folder, 'count');
  const child = start(supervised(['sh', '-c', 'echo >> "$1"', 'sh', count], 'on-failure'));
  t.teardown(() => endGroup(child));
  await until(async () => (await linesOf(count)) >= 2);
  t.is(child.exitCode, null);
  child.kill('SIGTERM');
  await new Promise((resolve) => child.once('exit', resolve));
  t.is(child.signalCode, 'SIGTERM');
});

test('what must run before it is asked again each time, until the program can start', async (t) => {
  const folder = await temporaryFolder(t);
  const [ready, asked, started] = ['ready', 'asked', 'started'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const before = [['sh', '-c', 'echo >> "$1"; test -e "$2"', 'sh', asked, ready]];
  const program = ['sh', '-c', 'echo >> "$1"; exec sleep 60', 'sh', started];
  const child = start(supervised(guarded(program, before), 'on-failure'));
  t.teardown(() => endGroup(child));
  await until(async () => (await linesOf(asked)) >= 2);
  t.is(await linesOf(started), 0);
  await writeFile(ready, '');
  await until(async () => (await linesOf(started)) === 1);
});

function start([program, ...args]: string[]): ChildProcess {
  return spawn(program as string, args, { detached: true, stdio: 'ignore' });
}

async function linesOf(path: string): Promise<number> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text.split('\n').length - 1;
}

async function until(isTrue: () => Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await sleep(50);
}

function endGroup({ pid }: ChildProcess): void {
  try {
    process.kill(-(pid as number), 'SIGKILL');
  } catch (error) {
    // All of it has ended.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import test, { type ExecutionContext } from 'ava';
import { here } from '../../../src/hosts/host/local.js';
import { catching, handlersOf } from '../../../src/serve/exports/tellable.js';

/** A shell that says `armed` once it handles HUP, and `told` when it is told. */
function shell(t: ExecutionContext, pause: number): ChildProcess {
  const script = `sleep ${pause}; trap 'echo told; exit 0' HUP; echo armed; while :; do sleep 0.05; done`;
  const child = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'ignore'] });
  t.teardown(() => child.kill('SIGKILL'));
  return child;
}

test('D1: of lines of processes and masks, those that handle the signal are named', (t) => {
  const table = ['1 0000000000000001', '22 0000000000004000', '333 0000000180004003', '4 ', ''].join('\n');
  t.deepEqual(catching(table, 'HUP'), [1, 333]);
  t.deepEqual(catching(table, 'TERM'), [22, 333]);
  t.deepEqual(catching(table, 'USR1'), []);
});

test('D1: a process that has no handler yet is waited for, and one beside it that never has is not told', async (t) => {
  const supervisor = spawn('sleep', ['60']);
  t.teardown(() => supervisor.kill('SIGKILL'));
  const child = shell(t, 0.5);
  const pids = [supervisor.pid as number, child.pid as number];
  const handlers = await handlersOf(here, async () => pids, 'HUP');
  t.deepEqual(handlers, [child.pid]);
  process.kill(child.pid as number, 'SIGHUP');
  const [code] = await once(child, 'exit');
  t.is(code, 0);
  t.is(supervisor.exitCode, null);
});

test('D1: without a process there is nobody to tell; one that never handles the signal is not told', async (t) => {
  t.deepEqual(await handlersOf(here, async () => [], 'HUP'), []);
  const idle = spawn('sleep', ['60']);
  t.teardown(() => idle.kill('SIGKILL'));
  t.is(await handlersOf(here, async () => [idle.pid as number], 'HUP', 200), undefined);
  t.is(idle.exitCode, null);
});

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { here } from '../../../src/hosts/host/local.js';
import {
  END_PROCESSES,
  endProcesses,
  findProcesses,
  parseScan,
  RUN_MARK,
  SCANS,
  signalProcesses,
} from '../../../src/serve/exports/processes.js';
import { temporaryFolder } from '../../base/temporary.js';
import { noRoot, testUnless } from '../../live/support/machine.js';

testUnless(
  noRoot(),
  'processes of a container with a state folder of the same name are none of this host',
  async (t) => {
    const state = await temporaryFolder(t);
    const marked = (mark: string, ...argv: string[]): Promise<number> => {
      const child = spawn('sh', ['-c', `echo here; ${argv.join(' ')}`], {
        env: { ...process.env, [RUN_MARK]: join(state, mark) },
        stdio: ['ignore', 'pipe', 'ignore'],
        detached: true,
      });
      t.teardown(() => process.kill(-(child.pid as number), 'SIGKILL'));
      return new Promise((resolve) => child.stdout.once('data', () => resolve(child.pid as number)));
    };
    const ours = await marked('ours', 'sleep 60; :');
    // The shell that makes the namespace is in ours, what it starts is not.
    const maker = await marked('theirs', 'unshare --pid --fork sh -c "sleep 60; :"; :');
    for (;;) {
      const { stdout } = await here.run(['pgrep', '--parent', String(maker)], { accept: [1] });
      if (stdout.trim() !== '') break;
    }
    const found = await findProcesses(here, state);
    t.true(found.get(join(state, 'ours'))?.includes(ours));
    const theirs = found.get(join(state, 'theirs')) ?? [];
    t.true(theirs.includes(maker));
    const spaces = await Promise.all(
      theirs.map(async (pid) => (await here.run(['readlink', `/proc/${pid}/ns/pid`])).stdout),
    );
    const own = (await here.run(['readlink', '/proc/self/ns/pid'])).stdout;
    t.true(spaces.every((space) => space === own));
    t.deepEqual([...found.keys()].sort(), [join(state, 'ours'), join(state, 'theirs')]);
  },
);

testUnless(
  noRoot(),
  'HOSTILE 9: a process of another user is none of an export, also where it runs a program of root’s',
  async (t) => {
    const folder = await temporaryFolder(t);
    const mark = join(folder, 'exports', 'e0.1@eth0.json');
    const marked = async (...argv: string[]): Promise<number> => {
      const child = spawn(argv[0] as string, argv.slice(1), {
        env: { ...process.env, [RUN_MARK]: mark },
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      t.teardown(() => child.kill('SIGKILL'));
      await new Promise((resolve) => child.stdout.once('data', resolve));
      return child.pid as number;
    };
    const says = ['sh', '-c', 'echo here; exec sleep 60'];
    const own = await marked(...says);
    await marked('setpriv', '--reuid', '12345', '--regid', '12345', '--clear-groups', ...says);
    // As a program with the setuid bit is run: the real user is another one.
    await marked('setpriv', '--ruid', '12345', ...says);
    t.deepEqual([...(await findProcesses(here, folder))], [[mark, [own]]]);
  },
);

testUnless(
  existsSync('/bin/busybox') ? noRoot() : 'needs busybox',
  'each way to look finds the processes of an ordinary user, who may not read those of others; so do busybox’s tools',
  async (t) => {
    const state = join(await temporaryFolder(t), 'state');
    const tools = await temporaryFolder(t);
    await chmod(tools, 0o755);
    for (const name of ['grep', 'id', 'ls', 'sed', 'sh', 'tr'])
      await symlink('/bin/busybox', join(tools, name));
    const as = ['setpriv', '--reuid', '12345', '--regid', '12345', '--clear-groups', '--no-new-privs'];
    const begin = async (argv: string[]): Promise<number> => {
      const child = spawn(argv[0] as string, argv.slice(1), {
        env: { PATH: process.env.PATH, [RUN_MARK]: join(state, 'ours') },
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      t.teardown(() => child.kill('SIGKILL'));
      await new Promise((resolve) => child.stdout.once('data', resolve));
      return child.pid as number;
    };
    const says = ['sh', '-c', 'echo here; exec sleep 60'];
    const [root, user] = await Promise.all([begin(says), begin([...as, ...says])]);
    const busybox = ['/bin/busybox', 'env', `PATH=${tools}`, 'sh'];
    for (const script of SCANS) {
      for (const sh of [['sh'], busybox]) {
        for (const [way, pid] of [[as, user] as const, [[], root] as const]) {
          const argv = [...way, ...sh, '-c', script, 'sh', state];
          const { stdout } = await here.run(argv, { env: { [RUN_MARK]: 'scan' } });
          const { found, isWhole } = parseScan(stdout, 'scan', state);
          t.true(isWhole, argv.join(' '));
          t.deepEqual([...found], [[join(state, 'ours'), [pid]]], argv.join(' '));
        }
      }
    }
  },
);

test('HOSTILE: a number that a stranger has by now is not signalled', async (t) => {
  const folder = await temporaryFolder(t);
  const begin = async (env: NodeJS.ProcessEnv): Promise<ChildProcess> => {
    const child = spawn('sh', ['-c', 'echo here; exec sleep 60'], {
      env,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    t.teardown(() => child.kill('SIGKILL'));
    await new Promise((resolve) => child.stdout.once('data', resolve));
    return child;
  };
  const env = { ...process.env, [RUN_MARK]: join(folder, 'exports', 'e0.1@eth0.json') };
  const [ours, asked, later, stranger, other] = await Promise.all([
    ...[env, env, env].map(begin),
    begin(process.env),
    begin({ ...process.env, [RUN_MARK]: join(`${folder}-other`, 'exports', 'e0.1@eth0.json') }),
  ]);
  const pidOf = (child: ChildProcess | undefined): number => child?.pid as number;
  const strangers = [pidOf(stranger), pidOf(other)];
  await endProcesses(here, folder, [pidOf(ours), ...strangers], 'TERM');
  await signalProcesses(here, folder, [pidOf(asked), ...strangers], 'KILL');
  // One of the same number that began at another time than the one that was known.
  const reused = `${END_PROCESSES}\nknown="$1:1"; end_processes TERM`;
  await here.run(['sh', '-c', reused, 'sh', String(pidOf(later))]);
  await Promise.all([ours, asked].map((child) => child?.signalCode ?? once(child as ChildProcess, 'exit')));
  t.is(ours?.signalCode, 'SIGTERM');
  t.is(asked?.signalCode, 'SIGKILL');
  for (const child of [later, stranger, other]) {
    t.is(child?.signalCode, null);
    const { stdout } = await here.run(['grep', '-h', '^State', `/proc/${pidOf(child)}/status`]);
    t.regex(stdout, /sleeping/);
  }
});

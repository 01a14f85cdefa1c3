import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { packageRoot } from '../../../src/base/files/paths.js';
import { CommandError } from '../../../src/hosts/host/command-error.js';
import { LocalHost } from '../../../src/hosts/host/local.js';
import { temporaryFolder } from '../../base/temporary.js';

const host = new LocalHost();

test('a command that is not there is an error that names it', async (t) => {
  const error = await t.throwsAsync(host.run(['no-such-command-here', 'a b']), { instanceOf: CommandError });
  t.regex(error?.message ?? '', /`no-such-command-here 'a b'` on here: no such command/);
});

test('an exit code other than 0 is an error with what the command said', async (t) => {
  const error = await t.throwsAsync(host.run(['sh', '-c', 'echo out; echo because >&2; exit 7']), {
    instanceOf: CommandError,
  });
  t.is(error?.exitCodeOfCommand, 7);
  t.is(error?.stderr, 'because\n');
  t.regex(error?.message ?? '', /exit code 7: because/);
});

test('an exit code that is an answer is none', async (t) => {
  t.is((await host.run(['sh', '-c', 'exit 1'], { accept: [1] })).exitCode, 1);
});

test('a command that runs too long is killed and fails, also with an accepted code', async (t) => {
  const error = await t.throwsAsync(host.run(['sleep', '60'], { timeout: 100, accept: [1] }), {
    instanceOf: CommandError,
  });
  t.regex(error?.message ?? '', /time limit/);
});

test('a command that is ended takes along what it started, and what got away from it is not waited for', async (t) => {
  const folder = await temporaryFolder(t);
  const child = join(folder, 'child');
  // The shell waits for its child, which holds both streams.
  const script = 'sleep 61 & echo $! > "$1"; wait';
  await t.throwsAsync(host.run(['sh', '-c', script, 'sh', child], { timeout: 500 }), {
    message: /time limit/,
  });
  const pid = (await readFile(child, 'utf8')).trim();
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => ') Z');
  t.regex(stat, /\) Z/);
  // Its parent ends at once, and its environment tells nothing: it can't be found, and is not waited for.
  const away = 'env -i setsid sleep 62 & echo $! > "$1"; echo said';
  const error = await t.throwsAsync(host.run(['sh', '-c', away, 'sh', child], { timeout: 500 }), {
    instanceOf: CommandError,
  });
  t.regex(error?.stdout ?? '', /said/);
  process.kill(Number(await readFile(child, 'utf8')), 'SIGKILL');
});

test('a command that is called off ends at once', async (t) => {
  const controller = new AbortController();
  const running = host.run(['sh', '-c', 'sleep 63; :'], { signal: controller.signal });
  setImmediate(() => controller.abort());
  await t.throwsAsync(running, { instanceOf: CommandError });
  await t.throwsAsync(host.run(['sleep', '63'], { signal: controller.signal }), { instanceOf: CommandError });
});

test('all that a command prints is there when it has ended, a log takes both streams', async (t) => {
  const log = join(await temporaryFolder(t), 'log');
  const { stdout, stderr } = await host.run(['sh', '-c', 'seq 300000; seq 300000 >&2'], { log });
  t.is(stdout, stderr);
  t.is(stdout.split('\n').at(-2), '300000');
  t.is((await readFile(log)).length, 2 * stdout.length);
});

test('HOSTILE 14: a command that floods its output is ended, and said so in few words', async (t) => {
  const error = await t.throwsAsync(host.run(['cat', '/dev/zero']), { instanceOf: CommandError });
  t.regex(error?.message ?? '', /printed more than 64 MiB, and was ended/);
  t.true((error?.message.length ?? 0) < 20_000);
});

test('a command that ends by a signal fails', async (t) => {
  const error = await t.throwsAsync(host.run(['sh', '-c', 'kill -9 $$']), { instanceOf: CommandError });
  t.regex(error?.message ?? '', /SIGKILL/);
});

test('arguments reach the command as they are, input as well', async (t) => {
  const { stdout } = await host.run(['sh', '-c', 'printf "%s|" "$@"; cat', 'sh', '$HOME', 'a b', "'"], {
    input: 'typed',
  });
  t.is(stdout, "$HOME|a b|'|typed");
});

test('a file is replaced whole or not at all, and nothing temporary stays', async (t) => {
  const folder = await temporaryFolder(t);
  const path = join(folder, 'deep', 'state.json');
  await host.write(path, 'one');
  await host.write(path, 'two', 0o600);
  t.is(await readFile(path, 'utf8'), 'two');
  t.deepEqual(await readdir(join(folder, 'deep')), ['state.json']);
  // A folder stands where the file should be: the rename fails.
  await t.throwsAsync(host.write(join(folder, 'deep'), 'three'));
  t.deepEqual(await readdir(folder), ['deep']);
});

test('what is not there is empty, undefined, or silently removed already', async (t) => {
  const folder = await temporaryFolder(t);
  t.deepEqual(await host.list(join(folder, 'none')), []);
  t.is(await host.stat(join(folder, 'none')), undefined);
  await t.notThrowsAsync(host.remove(join(folder, 'none')));
  await t.throwsAsync(host.read(join(folder, 'none')), { code: 'ENOENT' });
});

test('stat looks through links', async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, 'file'), 'x'.repeat(1000));
  await symlink('file', join(folder, 'link'));
  const facts = await host.stat(join(folder, 'link'));
  t.is(facts?.kind, 'file');
  t.is(facts?.size, 1000);
  t.is((await host.stat(folder))?.kind, 'directory');
});

test('a started process outlives its starter and writes its log', async (t) => {
  const folder = await temporaryFolder(t);
  const log = join(folder, 'logs', 'a.log');
  const pid = await host.start(['sh', '-c', 'echo "$MARK"; exec sleep 60'], { env: { MARK: 'mine' }, log });
  t.teardown(() => process.kill(pid, 'SIGKILL'));
  while ((await readFile(log, 'utf8')) === '') await new Promise((resolve) => setImmediate(resolve));
  t.is(await readFile(log, 'utf8'), 'mine\n');
  // In a session of its own: the terminal's hang-up does not reach it.
  const session = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ')[3];
  t.is(Number(session), pid);
});

test('a started process has nothing of the environment and the open files of its starter', async (t) => {
  const log = join(await temporaryFolder(t), 'a.log');
  process.env.AOE_LAB_TEST_SECRET = 'hidden';
  t.teardown(() => delete process.env.AOE_LAB_TEST_SECRET);
  const pid = await host.start(['sh', '-c', 'echo; exec sleep 60'], { env: { MARK: 'mine' }, log });
  t.teardown(() => process.kill(pid, 'SIGKILL'));
  while ((await readFile(log, 'utf8')) === '') await new Promise((resolve) => setImmediate(resolve));
  while (!(await readFile(`/proc/${pid}/cmdline`, 'utf8')).startsWith('sleep')) await sleep(5);
  const words = (await readFile(`/proc/${pid}/environ`, 'utf8')).split('\0').filter(Boolean);
  // Shells have some of their own.
  const names = words
    .map((word) => word.replace(/=.*/s, ''))
    .filter((name) => !/^(PWD|OLDPWD|SHLVL|_)$/.test(name));
  t.deepEqual(names.sort(), ['LANG', 'MARK', 'PATH']);
  t.deepEqual((await readdir(`/proc/${pid}/fd`)).sort(), ['0', '1', '2']);
});

test('of two who want a lock one waits until the other lets go', async (t) => {
  const path = join(await temporaryFolder(t), 'lock');
  const first = await host.lock(path, 1000);
  await t.throwsAsync(host.lock(path, 50), { message: /process .* has held it for 0.050 s/ });
  let taken = false;
  const second = host.lock(path, 10_000).then((lock) => {
    taken = true;
    return lock;
  });
  t.false(taken);
  await first.release();
  await (await second).release();
  t.true(taken);
});

test('the lock of a process killed with -9 is free', async (t) => {
  const path = join(await temporaryFolder(t), 'lock');
  const module = join(packageRoot, 'dist', 'src', 'hosts', 'host', 'local.js');
  const code = `import { here } from ${JSON.stringify(module)};
    await here.lock(${JSON.stringify(path)}, 1000); console.log('taken'); setInterval(() => {}, 1000);`;
  const holder = spawn(process.execPath, ['--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(holder.stdout, 'data');
  await t.throwsAsync(host.lock(path, 50));
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  const lock = await host.lock(path, 5000);
  await t.notThrowsAsync(lock.release());
});

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { LabError, MissingError, UnreachableError, UsageError } from '../../../src/base/errors.js';
import { CommandError } from '../../../src/hosts/host/command-error.js';
import { here } from '../../../src/hosts/host/local.js';
import { waiting } from '../../../src/hosts/host/lock.js';
import { SshHost } from '../../../src/hosts/ssh/host.js';
import { noSshd, Sshd } from './sshd.js';

const reason = noSshd();
const sshd = reason === undefined ? new Sshd() : undefined;
const folder = await mkdtemp(join(tmpdir(), 'aoe-lab-ssh-'));
const host = sshd && new SshHost(sshd.options());
const words = fc.array(fc.string({ unit: 'binary', maxLength: 20 }), { minLength: 1, maxLength: 6 });

test.after.always(async () => {
  await host?.close();
  sshd?.stop();
  await rm(folder, { recursive: true, force: true });
});

function run(title: string, body: (t: ExecutionContext, host: SshHost, sshd: Sshd) => Promise<void>): void {
  if (host === undefined || sshd === undefined) test.skip(`${title} (skipped: ${reason})`, () => {});
  else test.serial(title, (t) => body(t, host, sshd));
}

run('words reach the command as they are, through a real remote shell', async (t, host) => {
  const check = async (argv: string[]): Promise<void> => {
    const { stdout } = await host.run(['printf', '%s\\0', ...argv], { env: { X: argv[0] ?? '' } });
    t.deepEqual(stdout.split('\0').slice(0, -1), argv);
  };
  await check([
    '',
    "'",
    "'\\''",
    '$(id)',
    '`id`',
    '!!',
    '~',
    '*',
    '\n',
    '-n',
    '#',
    '\\',
    '"',
    ';',
    '&',
    'é💾',
    '%s',
  ]);
  await fc.assert(
    fc.asyncProperty(words, async (argv) => {
      await check(argv.map((word) => word.replaceAll('\0', '')));
    }),
    { numRuns: 150, includeErrorInReport: true },
  );
});

run('values of the environment and folders too; a NUL is refused', async (t, host) => {
  const value = `a'b"$c\nd`;
  const name = `dir '"$x\n`;
  await mkdir(join(folder, name));
  const { stdout } = await host.run(['sh', '-c', 'printf %s "$V"; pwd'], {
    env: { V: value },
    cwd: join(folder, name),
  });
  t.is(stdout, `${value}${join(folder, name)}\n`);
  await t.throwsAsync(host.run(['echo', 'a\0b']), { instanceOf: UsageError });
  await t.throwsAsync(host.run([]), { instanceOf: UsageError });
});

run('input, output, exit codes', async (t, host) => {
  const input = Buffer.from(Array.from({ length: 1_000_000 }, (_, i) => 33 + (i % 90)));
  t.is((await host.run(['cat'], { input })).stdout, input.toString());
  t.is((await host.run(['true'], { input })).exitCode, 0, 'input that nobody reads');
  t.is((await host.run(['sh', '-c', 'echo no >&2; exit 3'], { accept: [3] })).stderr, 'no\n');
  const error = await t.throwsAsync(host.run(['sh', '-c', 'echo no >&2; exit 3']), {
    instanceOf: CommandError,
  });
  t.is(error?.exitCodeOfCommand, 3);
  t.is(error?.facts.happened, 'exit code 3: no');
  const log = join(folder, 'log');
  await host.run(['sh', '-c', 'echo out; echo err >&2'], { log });
  t.deepEqual((await readFile(log, 'utf8')).split('\n').sort(), ['', 'err', 'out']);
});

run('a command that is not there, one that kills itself', async (t, host) => {
  await t.throwsAsync(host.run(['no-such-command-as-this']), { message: /no such command/ });
  await t.throwsAsync(host.run(['sh', '-c', 'kill -9 $$']), { message: /ended by SIGKILL/ });
});

run('a command that takes too long, or is called off, is ended on the far side', async (t, host) => {
  const start = (): string => `${4000 + Math.floor(Math.random() * 1e6)}.5`;
  for (const how of ['timeout', 'abort'] as const) {
    const seconds = start();
    const stop = new AbortController();
    if (how === 'abort') setTimeout(() => stop.abort(), 300);
    await t.throwsAsync(
      host.run(['sleep', seconds], how === 'abort' ? { signal: stop.signal } : { timeout: 300 }),
      { message: how === 'abort' ? /ended by SIGKILL/ : /ran into its time limit/ },
    );
    for (let tries = 0; tries < 50 && isRunning(seconds); tries++) await sleep(50);
    t.false(isRunning(seconds), how);
  }
});

run('files: read, write, list, stat, remove', async (t, host) => {
  const path = join(folder, 'new', "it's");
  await host.write(path, 'one', 0o600);
  await host.write(path, 'two');
  t.is((await host.read(path)).toString(), 'two');
  t.is((await stat(path)).mode & 0o777, 0o644);
  const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, i) => i % 256));
  await host.write(join(folder, 'new', '-binary\n'), bytes);
  t.true(bytes.equals(await host.read(join(folder, 'new', '-binary\n'))));
  await writeFile(join(folder, 'new', '.hidden'), '');
  await symlink('nowhere', join(folder, 'new', 'dangling'));
  t.deepEqual(await host.list(join(folder, 'new')), ['-binary\n', '.hidden', 'dangling', "it's"]);
  t.deepEqual(await host.list(join(folder, 'none')), []);
  await mkdir(join(folder, 'new', 'folder.json'));
  await symlink('nowhere', join(folder, 'new', 'gone.json'));
  await writeFile(join(folder, 'new', 'it.json'), '{}');
  // hostile: a file that is larger than the memory hides no other.
  await writeFile(join(folder, 'new', 'long.json'), '');
  await truncate(join(folder, 'new', 'long.json'), 3 * 2 ** 30);
  spawnSync('mkfifo', [join(folder, 'new', 'pipe.json')]);
  const all = {
    'folder.json': 'no file',
    'gone.json': 'no file',
    'it.json': '{}',
    'long.json': 'too long',
    'pipe.json': 'no file',
  };
  for (const one of [host, here]) {
    const files = await one.readAll(join(folder, 'new'), '.json');
    t.deepEqual(Object.fromEntries([...files].map(([name, text]) => [name, text.toString()])), all);
  }
  for (const [name, text] of Object.entries({ one: 'a\nb\n', two: '', three: undefined })) {
    await mkdir(join(folder, 'each', name), { recursive: true });
    if (text !== undefined) await writeFile(join(folder, 'each', name, 'ports'), text);
  }
  await writeFile(join(folder, 'each', 'file'), '');
  for (const one of [host, here]) {
    const texts = await one.readEach(join(folder, 'each'), 'ports');
    t.deepEqual(
      [...texts].map(([name, text]) => [name, text.trim()]),
      [
        ['one', 'a\nb'],
        ['two', ''],
      ],
    );
    t.is((await one.readEach(join(folder, 'none'), 'ports')).size, 0);
  }
  t.like(await host.stat(path), { kind: 'file', size: 3, uid: process.getuid?.() });
  t.is((await host.stat(folder))?.kind, 'directory');
  t.is((await host.stat('/dev/null'))?.kind, 'other');
  t.is(await host.stat(join(folder, 'none')), undefined);
  await t.throwsAsync(host.read(join(folder, 'none')), { code: 'ENOENT' });
  await t.throwsAsync(host.write(folder, 'x'), { message: /is a folder/ });
  await host.remove(join(folder, 'new'), join(folder, 'each'), join(folder, 'none'));
  await host.remove(join(folder, 'new'));
  for (const name of ['new', 'each']) t.is(await host.stat(join(folder, name)), undefined);
});

run('a process that is started outlives the connection', async (t, host, sshd) => {
  const other = new SshHost(sshd.options());
  const log = join(folder, 'logs', 'daemon.log');
  const pid = await other.start(['sh', '-c', 'echo "$MARK"; echo err >&2; exec sleep 100'], {
    env: { MARK: "m'k" },
    log,
  });
  await other.close();
  for (let tries = 0; tries < 100 && !(await readFile(log, 'utf8')).includes('err'); tries++) await sleep(20);
  t.is(await readFile(log, 'utf8'), "m'k\nerr\n");
  t.true(isAlive(pid));
  await host.run(['kill', String(pid)]);
});

run('a lock excludes others and ends with the connection', async (t, host, sshd) => {
  const path = join(folder, 'locks', 'one');
  const other = new SshHost(sshd.options());
  const lock = await other.lock(path, 1000);
  await t.throwsAsync(host.lock(path, 200), { instanceOf: LabError, message: /has held it for 0.200 s/ });
  await lock.release();
  await (await host.lock(path, 1000)).release();
  await other.lock(folder, 1000);
  await t.throwsAsync(host.lock(folder, 100), { message: /has held it/ });
  await other.close();
  await (await host.lock(folder, 5000)).release();
  t.pass();
});

run('D11: over SSH too, who waits for a lock is told at once of its holder', async (t, host, sshd) => {
  const path = join(folder, 'locks', 'named');
  const other = new SshHost(sshd.options());
  const lock = await other.lock(path, 1000);
  const said: string[] = [];
  waiting.tell = (line) => {
    said.push(line);
    void lock.release();
  };
  const second = await host.lock(path, 60_000);
  waiting.tell = () => {};
  t.is(said.length, 1);
  t.regex(said[0] ?? '', new RegExp(`waiting up to 60 s for process ${process.pid} of .* \\(aoe-lab`));
  await second.release();
  // One that is not ours, whose child has inherited the lock.
  const holder = spawn('flock', [path, 'sh', '-c', 'echo; exec sleep 1000'], { detached: true });
  await once(holder.stdout, 'data');
  const named = { message: new RegExp(`process ${holder.pid} \\(flock .* has held it for 0.100 s`) };
  await t.throwsAsync(host.lock(path, 100), named);
  process.kill(-(holder.pid as number), 'SIGKILL');
  await other.close();
});

run(
  'a connection that breaks is said to have broken; the next command makes a new one',
  async (t, _host, sshd) => {
    const other = new SshHost(sshd.options({ whyLost: async () => 'its last words' }));
    await other.run(['true']);
    setTimeout(() => sshd.started.at(-1)?.kill('SIGKILL'), 300);
    const error = await t.throwsAsync(other.run(['sleep', '30']), { instanceOf: LabError });
    t.regex(error?.facts.happened ?? '', /^the connection was lost.*\nits last words$/s);
    t.is((await other.run(['echo', 'again'])).stdout, 'again\n');
    await other.close();
    await t.throwsAsync(async () => other.run(['true']), { message: /has been closed/ });
  },
);

run('another host key, a stranger, nobody there', async (t, _host, sshd) => {
  const attempt = (changes: Parameters<Sshd['options']>[0]) =>
    new SshHost(sshd.options(changes)).run(['true']);
  await t.throwsAsync(attempt({ hostKeys: [sshd.publicKey('other')] }), {
    instanceOf: MissingError,
    message: /shows a ssh-ed25519 key that is not the one known/,
  });
  const rsa = Buffer.concat([Buffer.from([0, 0, 0, 7]), Buffer.from('ssh-rsa')]);
  await t.throwsAsync(attempt({ hostKeys: [rsa] }), { message: /a key of another type/ });
  await t.throwsAsync(attempt({ privateKey: await readFile(join(sshd.folder, 'stranger')) }), {
    instanceOf: MissingError,
    message: /does not let/,
  });
  await t.throwsAsync(attempt({ open: () => Promise.reject(new Error('no line')) }), {
    instanceOf: UnreachableError,
    message: /no line/,
  });
});

run('more commands at once than sshd takes on one connection', async (t, host, sshd) => {
  await host.run(['true']);
  const before = sshd.started.length;
  const numbers = Array.from({ length: 50 }, (_, index) => String(index));
  const outputs = await Promise.all(
    numbers.map((number) => host.run(['sh', '-c', 'sleep 0.1; echo "$1"', 'sh', number])),
  );
  t.deepEqual(
    outputs.map(({ stdout }) => stdout.trim()),
    numbers,
  );
  t.is(sshd.started.length, before);
});

run('commands that end at once, one after the other, many at a time', async (t, host) => {
  const outputs = await Promise.all(Array.from({ length: 200 }, () => host.run(['echo', 'x'])));
  t.true(outputs.every(({ stdout }) => stdout === 'x\n'));
});

run('commands that hang do not keep others from being ended', async (t, host) => {
  const seconds = `${4000 + Math.floor(Math.random() * 1e6)}.5`;
  const hanging = Array.from({ length: 20 }, () => host.run(['sleep', seconds], { timeout: 300 }));
  for (const { status, ...how } of await Promise.allSettled(hanging)) {
    t.is(status, 'rejected');
    t.regex(String('reason' in how ? how.reason : ''), /ran into its time limit/);
  }
  t.false(isRunning(seconds));
  t.is((await host.run(['echo', 'on'])).stdout, 'on\n');
});

run('a command that is called off while it waits for a channel never runs', async (t, host) => {
  const stop = new AbortController();
  const marker = join(folder, 'called-off');
  const busy = Array.from({ length: 6 }, () => host.run(['sleep', '0.5']));
  const waiting = host.run(['touch', marker], { signal: stop.signal });
  stop.abort();
  t.is(
    await waiting.then(
      () => 'ran',
      (error: Error) => error.name,
    ),
    'AbortError',
  );
  await Promise.all(busy);
  t.is(await host.stat(marker), undefined);
});

run('many locks held at once leave room for commands', async (t, _host, sshd) => {
  const other = new SshHost(sshd.options());
  const paths = Array.from({ length: 13 }, (_, index) => join(folder, 'many-locks', String(index)));
  const locks = await Promise.all(paths.map((path) => other.lock(path, 5000)));
  const outputs = await Promise.all(paths.map((path) => other.run(['echo', path])));
  t.deepEqual(
    outputs.map(({ stdout }) => stdout.trim()),
    paths,
  );
  for (const lock of locks) await lock.release();
  await (await other.lock(paths[0] ?? '', 1000)).release();
  await other.close();
});

run('facts and the state folder', async (t, host) => {
  const facts = await host.facts();
  t.is(facts.system, 'Linux');
  t.is(facts.uid, process.getuid?.() ?? -1);
  t.regex(facts.bootId, /^[0-9a-f-]{36}$/);
  t.regex(await host.stateFolder(), /^\/.*\/aoe-lab$/);
});

function isRunning(seconds: string): boolean {
  const { stdout } = spawnSync('ps', ['-e', '-o', 'args='], { encoding: 'utf8' });
  return stdout.split('\n').includes(`sleep ${seconds}`);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

run(
  'HOSTILE 14: a host that floods its output is ended, on either way a command goes there',
  async (t, host) => {
    const floods: Promise<unknown>[] = [
      host.run(['cat', '/dev/zero']),
      host.run(['cat', '/dev/zero'], { input: Buffer.alloc(1 << 20) }),
    ];
    for (const flood of floods) {
      await t.throwsAsync(flood, {
        instanceOf: CommandError,
        message: /printed more than 64 MiB, and was ended/,
      });
    }
    t.is((await host.run(['echo', 'still there'])).stdout, 'still there\n');
  },
);

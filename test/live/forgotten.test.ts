/** What was started is never forgotten, and a question that failed is no "none". */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, copyFile, mkdir, readdir, readFile, rename, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { here } from '../../src/hosts/host/local.js';
import { endedAmong } from '../../src/serve/exports/processes.js';
import { cli, MAIN } from './support/cli.js';
import { noRoot, testUnless } from './support/machine.js';
import { testWire } from './support/wire.js';

const UID = '64321';

/** Undefined, or why files can't be given capabilities. */
async function noCapabilities(): Promise<string | undefined> {
  const reason = noRoot();
  if (reason !== undefined) return reason;
  const { exitCode } = await here.run(['sh', '-c', 'command -v setcap'], { accept: [1, 127] });
  return exitCode === 0 ? undefined : 'needs setcap';
}

testUnless(
  await noCapabilities(),
  'C8: an ordinary user whose node has CAP_NET_RAW exports, sees it in status, and ends it',
  async (t) => {
    const [wire, other] = [await testWire(t), await testWire(t)];
    const node = join(wire.folder, 'node');
    await copyFile(process.execPath, node);
    await chmod(wire.folder, 0o755);
    await here.run(['setcap', 'cap_net_raw+ep', node]);
    const place = join(wire.folder, 'own');
    await mkdir(place);
    await writeFile(join(place, 'disk'), Buffer.alloc(1 << 20));
    await here.run(['chown', '-R', UID, place]);
    const env = { AOE_LAB_STATE: join(place, 'state'), AOE_LAB_CACHE: join(place, 'cache'), HOME: place };
    const inside = ([, ...words]: readonly string[]): string[] => [
      ...['ip', 'netns', 'exec', wire.netns, 'setpriv', '--reuid', UID, '--regid', UID, '--clear-groups'],
      ...[node, ...words],
    ];
    const asUser = (...words: string[]) => cli(words, env, { inside });
    t.teardown(() => asUser('unexport', '--force', '--all'));

    for (const restart of [[], ['--restart', 'on-failure']]) {
      const words = [...restart, '--impl', 'native', '--shelf', '0', '--slot', '1', '--iface', wire.target];
      const made = await asUser('export', ...words, '--file', join(place, 'disk'), '--json');
      t.is(made.exitCode, 0, made.stderr);
      const { pids } = JSON.parse(made.stdout) as { pids: number[] };
      t.is(pids.length, restart.length === 0 ? 1 : 2);
      const target = Math.max(...pids);
      // Its environment is not to be read by its own user, which is what this test is about.
      const reading = [
        'setpriv',
        '--reuid',
        UID,
        '--regid',
        UID,
        '--clear-groups',
        'cat',
        `/proc/${target}/environ`,
      ];
      t.is((await here.run(reading, { accept: [1] })).exitCode, 1);

      const status = JSON.parse((await asUser('status', '--json')).stdout);
      t.deepEqual(
        status.exports.map(({ state, pids: known }: { state: string; pids: number[] }) => [state, known]),
        [['serving', pids]],
      );
      t.deepEqual(status.orphans, []);

      // What it has open is root's to look at: that it keeps the file can't be seen, and is no "no".
      await rename(join(place, 'disk'), join(place, 'away'));
      const kept = await asUser('unexport', 'e0.1', '--allow', 'used');
      t.is(kept.exitCode, 2, kept.stderr);
      t.regex(kept.stderr, /can't be seen by this user.*ls -l \/proc\/\d+\/fd.*--allow removed/s);
      await rename(join(place, 'away'), join(place, 'disk'));
      // In its own network it goes on; a command in another one does not take it there.
      const restarted = await asUser('restart', 'e0.1');
      t.is(restarted.exitCode, 0, restarted.stderr);
      const elsewhere = await cli(['restart', 'e0.1'], env, {
        inside: (argv) => inside(argv).map((word) => (word === wire.netns ? other.netns : word)),
      });
      t.is(elsewhere.exitCode, 1, elsewhere.stderr);
      t.regex(elsewhere.stderr, /runs in another network namespace.*nothing was stopped/s);
      const again = JSON.parse((await asUser('status', '--json')).stdout);
      const now: number[] = again.exports.flatMap(({ pids: known }: { pids: number[] }) => known);

      const ended = await asUser('unexport', '--force', 'e0.1');
      t.is(ended.exitCode, 0, ended.stderr);
      t.deepEqual(await endedAmong(here, now), now);
    }
    const left = await readdir(join(place, 'state'), { recursive: true });
    t.deepEqual(
      left.filter((name) => name !== 'logs' && !name.endsWith('.log')),
      [],
    );
  },
);

testUnless(
  noRoot(),
  'C9: beside an entry that can not be read, status shows the others and changes end at once',
  async (t) => {
    const wire = await testWire(t);
    const state = wire.env.AOE_LAB_STATE as string;
    const exporting = (slot: string) => [
      ...['export', '--impl', 'native', '--shelf', '0', '--slot', slot, '--iface', wire.target],
      ...['--netns', wire.netns, '--file', join(wire.folder, `disk${slot}`), '--size', '1M'],
    ];
    const made = await cli(exporting('1'), wire.env);
    t.is(made.exitCode, 0, made.stderr);
    const [entry = ''] = await readdir(join(state, 'exports'));
    const own = await readFile(join(state, 'exports', entry), 'utf8');
    const foreign: [name: string, text: string | undefined, fault: RegExp][] = [
      ['e0.2@tgt.json', '', /it is empty/],
      ['e0.3@tgt.json', 'hello', /it is no JSON/],
      ['e0.4@tgt.json', '{"format":1}', /it is no entry/],
      ['e0.5@tgt.json', 'null', /it is no entry/],
      [entry.replace('e0.1', 'e0.7'), own.replace('"slot": 1', '"slot": "7"'), /it is no entry/],
      ['folder.json', undefined, /it is no file/],
      ['sparse.json', undefined, /it is too long/],
    ];
    for (const [name, text, fault] of foreign) {
      const path = join(state, 'exports', name);
      if (text !== undefined || name === 'sparse.json') await writeFile(path, text ?? '');
      else await mkdir(path);
      // hostile: more than there is memory for.
      if (name === 'sparse.json') await truncate(path, 3 * 2 ** 30);
      const shown = await cli(['status'], wire.env);
      t.is(shown.exitCode, 0, shown.stderr);
      t.regex(shown.stdout, /e0\.1@tgt\S* +native \S+ +serving/);
      t.regex(shown.stdout, fault);
      const others = name === 'e0.2@tgt.json' ? [['restart', 'e0.1'], exporting('6')] : [];
      for (const words of [['unexport', '--force', 'e0.1'], ...others]) {
        const refused = await cli(words, wire.env, { killAfter: 60_000 });
        t.is(refused.signal, null, `${words[0]} did not end beside ${name}`);
        t.is(refused.exitCode, 1);
        t.regex(refused.stderr, fault);
        t.true(refused.stderr.includes(path));
      }
      await here.remove(path);
    }
    t.is((await cli(['unexport', '--force', 'e0.1', '--remove-file'], wire.env)).exitCode, 0);
  },
);

testUnless(noRoot(), 'C9: a user in the state folder of root is told of rights', async (t) => {
  const wire = await testWire(t);
  const made = await cli(
    [
      ...['export', '--impl', 'native', '--shelf', '0', '--slot', '1', '--iface', wire.target],
      ...['--netns', wire.netns, '--file', join(wire.folder, 'disk'), '--size', '1M'],
    ],
    wire.env,
  );
  t.is(made.exitCode, 0, made.stderr);
  await chmod(wire.folder, 0o755);
  const inside = (argv: readonly string[]): string[] => [
    ...['setpriv', '--reuid', UID, '--regid', UID, '--clear-groups', ...argv],
  ];
  for (const words of [['status'], ['unexport', '--force', 'e0.1'], ['restart', '--all'], ['logs', 'e0.1']]) {
    const refused = await cli(words, { ...wire.env, HOME: '/nonexistent' }, { inside, killAfter: 60_000 });
    t.is(refused.exitCode, 3, `${words[0]}: ${refused.stderr}`);
    t.regex(refused.stderr, /rights/);
    t.notRegex(refused.stderr, /fault of aoe-lab/);
  }
});

testUnless(
  noRoot(),
  'D11: who waits for the lock says at once for whom, and goes on when it is given back',
  async (t) => {
    const wire = await testWire(t);
    const state = wire.env.AOE_LAB_STATE as string;
    await mkdir(state, { recursive: true });
    const holder = spawn('flock', [state, 'sh', '-c', 'echo; exec sleep 1000'], {
      stdio: ['ignore', 'pipe', 'ignore'],
      detached: true,
    });
    const release = () => process.kill(-(holder.pid as number), 'SIGKILL');
    await once(holder.stdout as Readable, 'data');
    const words = ['export', '--impl', 'native', '--shelf', '0', '--slot', '1', '--iface', wire.target];
    words.push('--netns', wire.netns, '--file', join(wire.folder, 'disk'), '--size', '1M');
    const waiter = spawn(process.execPath, [MAIN, ...words], {
      env: { ...process.env, ...wire.env },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    await new Promise<void>((resolve) => {
      waiter.stderr.on('data', (chunk) => {
        said += chunk;
        if (said.includes('waiting')) resolve();
      });
      waiter.once('close', () => resolve());
    });
    t.is(waiter.exitCode, null, said);
    t.true(said.includes(`process ${holder.pid} (flock ${state} sh -c`), said);
    await t.throwsAsync(here.lock(state, 100), {
      message: new RegExp(`process ${holder.pid} \\(flock .*0\\.100 s`),
    });
    release();
    const [exitCode] = (await once(waiter, 'close')) as [number];
    t.is(exitCode, 0, said);

    // One of ours says itself who it is.
    const lock = await here.lock(state, 1000);
    await t.throwsAsync(here.lock(state, 100), {
      message: new RegExp(`process ${process.pid} of .* \\(aoe-lab`),
    });
    await lock.release();
  },
);

/** Files in folders of others, who exchange them at the very moment that they are opened. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import test, { type ExecutionContext } from 'ava';
import { here } from '../../../src/hosts/host/local.js';
import { diskList, disksWatch } from '../../../src/serve/exports/disk-link.js';
import { driverFor } from '../../../src/serve/exports/drivers.js';
import { EntryStore, type ExportEntry, StateFolder } from '../../../src/serve/exports/entry.js';
import { requireRightFile } from '../../../src/serve/exports/opened-right.js';
import { RUN_MARK } from '../../../src/serve/exports/processes.js';
import { programOf } from '../../../src/serve/exports/program.js';
import { guarded } from '../../../src/serve/exports/supervise.js';
import { attachLoop, listLoops } from '../../../src/serve/storage/loop.js';
import { temporaryFolder } from '../../base/temporary.js';
import { noRoot, testUnless } from '../../live/support/machine.js';
import { backingOf, entryOf } from './entries.js';

const { control } = entryOf({});

/** A disk, and what only root should read. */
async function twoFiles(t: ExecutionContext): Promise<{ folder: string; path: string; secret: string }> {
  const folder = await temporaryFolder(t);
  const [path, secret] = [join(folder, 'disk'), join(folder, 'secret')];
  await writeFile(path, 'data'.padEnd(4096));
  await writeFile(secret, 'secret'.padEnd(4096));
  return { folder, path, secret };
}

function exposedEntry(path: string, more: Partial<ExportEntry> = {}): ExportEntry {
  return entryOf({
    backing: backingOf({ name: path, opens: path, path, exposed: true, links: 'none' }),
    ...more,
  });
}

test('hostile: a file that is exchanged when its target opens it is not served instead', async (t) => {
  const { folder, path, secret } = await twoFiles(t);
  const exchange = `mv ${path} ${path}.old; ln -s ${secret} ${path}; head -c 6 "$1"`;
  const entry = exposedEntry(path, {
    control: { ...control, run: ['sh', '-c', exchange, 'target', '{{path}}'] } as ExportEntry['control'],
  });
  const { argv, before } = programOf(new StateFolder(folder), [entry], path);
  const start = () => here.run(guarded(argv, before), { accept: [1] });
  t.is((await start()).stdout, 'data  ');
  // As it is left by that: a link.
  const { exitCode, stdout, stderr } = await start();
  t.deepEqual([exitCode, stdout], [1, '']);
  t.regex(stderr, /disk is not served: it leads to .*secret now/);
});

testUnless(noRoot(), 'hostile: a loop device on a file that was exchanged is not kept', async (t) => {
  const { path, secret } = await twoFiles(t);
  await rename(path, `${path}.old`);
  await symlink(secret, path);
  const options = { readOnly: true, directIo: false };
  await t.throwsAsync(attachLoop(here, path, options, path), {
    message: /disk is not served: it leads to .*secret now/,
  });
  t.deepEqual(await listLoops(here, secret), []);
});

/** A daemon that has opened a file. */
async function opener(t: ExecutionContext, file: string, env: NodeJS.ProcessEnv = {}): Promise<ChildProcess> {
  const handle = await open(file);
  const child = spawn('sh', ['-c', 'echo here; exec sleep 60'], {
    stdio: [handle.fd, 'pipe', 'ignore'],
    env: { ...process.env, ...env },
  });
  t.teardown(() => child.kill('SIGKILL'));
  await once(child.stdout as NonNullable<typeof child.stdout>, 'data');
  await handle.close();
  return child;
}

function daemonEntry(path: string): ExportEntry {
  return exposedEntry(path, {
    implementation: 'ggaoed',
    control: { ...control, shape: 'daemon' } as unknown as ExportEntry['control'],
  });
}

test('hostile: a daemon that whatever starts it has opened another file is ended', async (t) => {
  const { folder, path, secret } = await twoFiles(t);
  const list = join(folder, 'state', 'disks');
  await mkdir(join(folder, 'state'));
  await writeFile(list, diskList([daemonEntry(path), entryOf({ shelf: 1 })]));
  const daemon = await opener(t, secret);
  const { stderr } = await here.run([...disksWatch(list), String(daemon.pid)], { timeout: 20_000 });
  t.regex(stderr, /it opened .*secret, which is none of its exports'/);
  if (daemon.signalCode === null) await once(daemon, 'exit');
  t.is(daemon.signalCode, 'SIGTERM');
});

test('hostile: a daemon is ended that opens another file long after its start; a renamed file does no harm', async (t) => {
  const { folder, path, secret } = await twoFiles(t);
  const list = join(folder, 'state', 'disks');
  await mkdir(join(folder, 'state'));
  // It is read at each look, which can be counted so.
  const counting = 'echo look >&2; sleep() { command sleep 0.02; }\n';
  await writeFile(list, diskList([daemonEntry(path)]) + counting);
  const handle = await open(path);
  const script = 'echo here; read go; exec 8< "$1"; read end';
  const daemon = spawn('sh', ['-c', script, 'daemon', secret], {
    stdio: ['pipe', 'pipe', 'ignore', handle.fd],
  });
  t.teardown(() => daemon.kill('SIGKILL'));
  await once(daemon.stdout as NonNullable<typeof daemon.stdout>, 'data');
  await handle.close();
  const [program = '', ...words] = [...disksWatch(list), String(daemon.pid)];
  const watch = spawn(program, words, { stdio: ['ignore', 'ignore', 'pipe'] });
  t.teardown(() => watch.kill('SIGKILL'));
  const looks = createInterface({ input: watch.stderr })[Symbol.asyncIterator]();
  const look = async (times: number) => {
    for (let left = times; left > 0; left--) t.is((await looks.next()).value, 'look');
  };
  // What is looked at comes behind its line.
  await look(2);
  await rename(path, `${path}.renamed`);
  await look(30);
  t.is(daemon.signalCode, null);
  daemon.stdin?.write('go\n');
  let said = 'look';
  while (said === 'look') said = (await looks.next()).value;
  t.regex(said, /it opened .*secret, which is none of its exports'/);
  if (daemon.signalCode === null) await once(daemon, 'exit');
  t.is(daemon.signalCode, 'SIGTERM');
});

test.serial('hostile: an export is not called served while its daemon has another file open', async (t) => {
  const { folder, path, secret } = await twoFiles(t);
  process.env.AOE_LAB_STATE = join(folder, 'state');
  const store = await EntryStore.open(here);
  const entry = daemonEntry(path);
  await store.write(entry);
  const mark = driverFor(store, entry).mark(entry);
  const right = await opener(t, path, { [RUN_MARK]: mark });
  await requireRightFile(store, entry, [right.pid as number]);
  const wrong = await opener(t, secret, { [RUN_MARK]: mark });
  await t.throwsAsync(requireRightFile(store, entry, [wrong.pid as number]), {
    message: /it opened .*secret rather than .*disk/,
  });
  if (wrong.signalCode === null) await once(wrong, 'exit');
  t.not(wrong.signalCode, null);
});

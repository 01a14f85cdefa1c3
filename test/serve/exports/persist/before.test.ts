/** What must run before each start of a program, in the files that bring it back after a reboot. */
import { spawnSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { StateFolder } from '../../../../src/serve/exports/entry.js';
import { type Place, serviceFiles } from '../../../../src/serve/exports/persist/render.js';
import { type Service, servicesOf } from '../../../../src/serve/exports/persist/services.js';
import { temporaryFolder } from '../../../base/temporary.js';
import { entryOf } from '../entries.js';

interface Started {
  before?: string[][];
  argv: string[];
}

interface Written {
  path: string;
  text: string;
}

function filesOf(folder: string, { before = [], argv }: Started, manager: Place['manager']): Written[] {
  const state = new StateFolder(folder);
  const [service] = servicesOf(state, [entryOf({ persist: true })]);
  if (service?.kind !== 'program') throw new Error('no program');
  const changed: Service = { ...service, program: { ...service.program, before, argv, cwd: folder } };
  return serviceFiles(state, changed, { manager });
}

test('a unit runs it by ExecStartPre, each of its words as it is', (t) => {
  const before = [
    ['/bin/sh', '-c', 'test -e "$1" 50%', 'sh', '/srv/a b'],
    ['/bin/true', ''],
  ];
  const [unit] = filesOf('/var/lib/aoe-lab', { before, argv: ['/bin/sleep', '1'] }, 'systemd');
  t.regex(
    unit?.text ?? '',
    /^ExecStartPre=\/bin\/sh -c "test -e \\"\$\$1\\" 50%%" sh "\/srv\/a b"\nExecStartPre=\/bin\/true ""\nExecStart=\/usr\/bin\/env -i \S+ LANG=C \S+ \/bin\/sleep 1$/m,
  );
  const [plain] = filesOf('/var/lib/aoe-lab', { argv: ['/bin/sleep', '1'] }, 'systemd');
  t.false(plain?.text.includes('ExecStartPre'));
});

test('the script of a program runs it at each start, and tries again until it succeeds', async (t) => {
  const folder = await temporaryFolder(t);
  const [ready, started] = [join(folder, 'ready'), join(folder, 'started')];
  const before = [['sh', '-c', 'test -e "$1" || { echo "no disk"; exit 3; }', 'sh', ready]];
  const argv = ['sh', '-c', 'echo >> "$1"; exec sleep 60', 'sh', started];
  const [script] = filesOf(folder, { before, argv }, 'scripts');
  if (script === undefined) throw new Error('no script');
  await mkdir(dirname(script.path), { recursive: true });
  await writeFile(script.path, script.text);
  const log = join(folder, 'logs', 'e0.1@eth0.log');
  await mkdir(join(folder, 'logs'));
  const call = (verb: string) =>
    spawnSync('sh', [script.path, verb], { encoding: 'utf8', stdio: 'ignore' }).status;

  t.is(call('run'), 3, 'as supervise-daemon runs it');
  t.teardown(() => call('stop'));
  t.is(call('start'), 0);
  while ((await readFile(log, 'utf8')).split('no disk').length < 4) await sleep(50);
  t.is(await readFile(started, 'utf8').catch(() => 'none'), 'none');
  await writeFile(ready, '');
  while ((await readFile(started, 'utf8').catch(() => '')) === '') await sleep(50);
  t.is(call('stop'), 0);
});

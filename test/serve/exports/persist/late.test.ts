/** The scripts of exports of modules and of loop devices: what a boot can't start is tried again until it works, or is stopped. */
import { spawnSync } from 'node:child_process';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { here } from '../../../../src/hosts/host/local.js';
import { diskLink } from '../../../../src/serve/exports/disk-link.js';
import { type ExportEntry, StateFolder } from '../../../../src/serve/exports/entry.js';
import { lateFault } from '../../../../src/serve/exports/persist/late.js';
import { lateFile } from '../../../../src/serve/exports/persist/names.js';
import { renderPersistence } from '../../../../src/serve/exports/persist/render.js';
import { temporaryFolder } from '../../../base/temporary.js';
import { noRoot, testUnless } from '../../../live/support/machine.js';
import { backingOf, entryOf } from '../entries.js';

interface Service {
  folder: string;
  control: string;
  isTried(): Promise<boolean>;
  fault(): Promise<string | undefined>;
  call(verb: string): number | null;
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** The service of an export by a module whose control file is one in a folder that is not there yet. */
async function moduleService(t: ExecutionContext, part: Partial<ExportEntry['backing']>): Promise<Service> {
  const folder = await temporaryFolder(t);
  const state = new StateFolder(folder);
  const ready = join(folder, 'ready');
  const control = join(folder, 'kernel', 'control');
  const backing = backingOf({ path: join(folder, 'disk'), opens: diskLink(state, 'e0.1'), ...part });
  const entry = entryOf({
    persist: true,
    backing,
    control: {
      shape: 'control-file',
      module: 'none',
      load: [['true']],
      unload: [],
      ready,
      add: [{ path: control, line: 'add {{shelf}} {{slot}} {{path}}' }],
      remove: [{ path: control, line: 'del {{shelf}} {{slot}}' }],
      list: { path: control, match: '^$' },
      refusals: 'kernel-log',
      announces: true,
      backing: 'device',
      options: {},
    },
  });
  await writeFile(ready, '');
  const { services, files } = renderPersistence(state, [entry], { manager: 'scripts' });
  const service = services.at(-1) as string;
  const path = join(state.persistFolder(), `${service}.sh`);
  for (const file of files) {
    await mkdir(dirname(file.path), { recursive: true });
    await writeFile(file.path, file.text, { mode: file.mode });
  }
  const call = (verb: string) => spawnSync('sh', [path, verb], { stdio: 'ignore' }).status;
  t.teardown(() => call('stop'));
  return {
    folder,
    control,
    isTried: () => exists(lateFile(state, service)),
    fault: () => lateFault(here, state, service),
    call,
  };
}

testUnless(
  noRoot(),
  'an export of a module whose start fails at a boot is made once it can be',
  async (t) => {
    const { control, isTried, fault, call } = await moduleService(t, {});
    t.not(call('start'), 0, 'of a command it fails');
    t.false(await isTried());
    t.is(call('boot'), 0, 'a boot goes on');
    t.regex((await fault()) ?? '', /^\S+ is tried again until it works: .*kernel\/control/s);
    await mkdir(dirname(control));
    while (await isTried()) await sleep(50);
    t.is(await fault(), undefined);
    t.regex(await readFile(control, 'utf8'), /^add 0 1 /);
    t.is(call('stop'), 0);
    t.is(await readFile(control, 'utf8'), 'del 0 1\n');
  },
);

testUnless(noRoot(), 'an export of a module that is stopped is not tried again', async (t) => {
  const { control, isTried, call } = await moduleService(t, {});
  t.is(call('boot'), 0);
  t.true(await isTried());
  t.is(call('stop'), 0);
  await mkdir(dirname(control));
  t.is(call('again'), 0, 'what was just about to try');
  t.false(await exists(control));
});

testUnless(
  noRoot(),
  'A1: a module is not told of a disk that has the number of another one, link of an earlier boot or not',
  async (t) => {
    // No disk has that serial number.
    const identity = {
      kind: 'device',
      bootId: '',
      block: 'sdx',
      size: 512,
      facts: { serial: 'T1' },
    } as const;
    const part = { kind: 'device', name: '/dev/loop0', pinned: true, identity } as const;
    const { folder, control, call } = await moduleService(t, part);
    const link = diskLink(new StateFolder(folder), 'e0.1');
    await mkdir(dirname(control));
    await mkdir(dirname(link), { recursive: true });
    spawnSync('ln', ['-s', '/dev/loop0', link]);
    t.is(call('start'), 1);
    t.false(await exists(control));
    t.is(spawnSync('readlink', [link]).status, 1, 'the link is gone');
    const log = await readFile(new StateFolder(folder).logPath('none'), 'utf8');
    t.regex(log, /^aoe-lab: \/dev\/loop0 is not served: /);
    await rm(link, { force: true });
  },
);

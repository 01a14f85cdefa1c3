/** Which disk it is: what names mean is asked at each start, and told where it differs from what is served. */
import { spawn } from 'node:child_process';
import {
  chown,
  link,
  mkdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { here } from '../../src/hosts/host/local.js';
import type { LabPlan } from '../../src/manage/lab/actions.js';
import type { ExportReport } from '../../src/serve/exports/export.js';
import type { ExportStatus, StatusReport } from '../../src/serve/exports/status-report.js';
import { detachLoop } from '../../src/serve/storage/loop.js';
import { type CliResult, cli, cliHere, jsonHere } from './support/cli.js';
import { exporting, firstBytes, image, statusOf } from './support/disks.js';
import { assertNothingLeft, discoverOn, exportOn, type Found, killAll } from './support/export.js';
import { builtVblade, noCompiler, noRoot, sourceTree, testUnless } from './support/machine.js';
import { detachFrom, loopOn, ownDev } from './support/own-dev.js';
import { testWire } from './support/wire.js';

const reason = noRoot();
const vblade = await builtVblade();
const noVblade = 'reason' in vblade ? vblade.reason : undefined;

/** Targets besides native. */
const OTHERS = [
  { name: 'vblade', reason: noVblade, where: [] },
  ...[
    { name: 'ggaoed', release: '1.1', tree: 'ggaoed-1.1' },
    { name: 'qaoed', release: 'trunk', tree: 'qaoed-trunk' },
  ].map(({ name, release, tree }) => {
    const source = sourceTree(tree);
    return 'reason' in source
      ? { name, reason: source.reason, where: [] }
      : { name, reason: reason ?? noCompiler(), where: ['--release', release, '--source', source.path] };
  }),
];

function refused(t: ExecutionContext, { exitCode, stderr }: CliResult, pattern: RegExp): void {
  t.is(exitCode, 2, stderr);
  t.regex(stderr, pattern);
}

testUnless(
  reason,
  'A1: a name that udev keeps is served as what it means after the disks have changed numbers',
  async (t) => {
    const wire = await testWire(t);
    const dev = await ownDev(t);
    const [first, second] = await Promise.all([
      loopOn(t, await image(join(wire.folder, 'l1.img'), 'first')),
      loopOn(t, await image(join(wire.folder, 'l2.img'), 'second')),
    ]);
    dev.run('ln', '-s', first, '/dev/disk/by-id/virtio-T1');
    const exported = await cli(exporting(wire, 1, '/dev/disk/by-id/virtio-T1'), wire.env, {
      inside: dev.inside,
    });
    t.is(exported.exitCode, 0, exported.stderr);
    t.is(await firstBytes(wire, 1, 5), 'first');
    // As after a reboot: the link leads to another number, which is the same disk.
    await Promise.all([first, second].map((device) => detachLoop(here, device)));
    await cli(['restart', 'e0.1'], wire.env, { inside: dev.inside });
    const files = ['l2.img', 'l1.img'].map((name) => join(wire.folder, name));
    const [, again] = [await loopOn(t, files[0] as string), await loopOn(t, files[1] as string)];
    dev.run('ln', '-sfn', again as string, '/dev/disk/by-id/virtio-T1');
    const restart = (...more: string[]) =>
      cli(['restart', 'e0.1', ...more], wire.env, { inside: dev.inside });
    const restarted = await restart();
    t.is(restarted.exitCode, 0, restarted.stderr);
    t.regex(restarted.stdout, /^restarted e0\.1@\S+ \(process \d+\)$/m);
    t.is(await firstBytes(wire, 1, 5), 'first');

    // The link leads to another disk now, which nobody asked to be served.
    dev.run(
      'ln',
      '-sfn',
      (await here.run(['sh', '-c', 'losetup -n -O NAME -j "$1"', 'sh', files[0] as string])).stdout.trim(),
      '/dev/disk/by-id/virtio-T1',
    );
    const told = async (): Promise<ExportStatus | undefined> => {
      const { stdout } = await cli(['status', '--json'], wire.env, { inside: dev.inside });
      return (JSON.parse(stdout) as StatusReport).exports[0];
    };
    const isOther = new RegExp(
      `virtio-T1 is another disk now; the one that was exported is ${again} .*it was .*l1\\.img.*, and is .*l2\\.img`,
    );
    t.like(await told(), { state: 'impaired', remedy: 'file' });
    t.regex((await told())?.faults.join() ?? '', isOther);
    const { exitCode, stderr } = await restart();
    t.is(exitCode, 1);
    t.regex(stderr, /is another disk than the one[\s\S]*nothing was stopped[\s\S]*--allow other-disk/);
    t.is(await firstBytes(wire, 1, 5), 'first');
    for (const pid of (await told())?.pids ?? []) process.kill(pid, 'SIGKILL');
    t.is((await restart()).exitCode, 1, 'a dead one is not brought back with another disk either');
    t.like(await told(), { state: 'down', remedy: 'file' });
    t.regex((await told())?.faults.join() ?? '', isOther);
    const allowed = await restart('--allow', 'other-disk');
    t.is(allowed.exitCode, 0, allowed.stderr);
    t.regex(allowed.stdout, /virtio-T1 was .*l1\.img.*, and is .*l2\.img.* now/);
    t.is(await firstBytes(wire, 1, 6), 'second');
    t.deepEqual((await told())?.faults, []);
  },
);

testUnless(
  reason,
  'A1: a number that is another disk now is not started, and says where the old one is',
  async (t) => {
    const wire = await testWire(t);
    const dev = await ownDev(t);
    const first = await image(join(wire.folder, 'l1.img'), 'first', 1 << 23);
    const second = await image(join(wire.folder, 'l2.img'), 'second', 1 << 23);
    const device = await loopOn(t, first);
    dev.run('cp', '-a', device, '/dev/sdx');
    const exported = await cli(exporting(wire, 1, '/dev/sdx'), wire.env, { inside: dev.inside });
    t.is(exported.exitCode, 0, exported.stderr);
    t.regex(exported.stderr, /may be another disk after a reboot/);
    t.is(await firstBytes(wire, 1, 5), 'first');
    // Another device node bears the name from now on, as after a reboot.
    const other = await loopOn(t, second);
    dev.run('cp', '-a', '--remove-destination', other, '/dev/sdx');
    const restarted = await cli(['restart', 'e0.1'], wire.env, { inside: dev.inside });
    t.is(restarted.exitCode, 1, restarted.stderr);
    t.regex(
      restarted.stderr,
      new RegExp(`is another disk than the one that was exported; the one that was exported is ${device} `),
    );
    const { exports } = JSON.parse(
      (await cli(['status', '--json'], wire.env, { inside: dev.inside })).stdout,
    ) as StatusReport;
    t.regex(exports[0]?.faults.join() ?? '', /is another disk now/);
  },
);

testUnless(
  reason,
  'A1: a number that has a name which stays is exported by that name, and says so',
  async (t) => {
    const wire = await testWire(t);
    const dev = await ownDev(t);
    const device = await loopOn(t, await image(join(wire.folder, 'l1.img'), 'first'));
    dev.run('ln', '-s', device, '/dev/disk/by-id/virtio-T1');
    const { exitCode, stderr } = await cli(exporting(wire, 1, device), wire.env, { inside: dev.inside });
    t.is(exitCode, 0, stderr);
    t.regex(stderr, /\/dev\/disk\/by-id\/virtio-T1 is exported/);
    const state = wire.env.AOE_LAB_STATE as string;
    const configuration = (await here.run(['sh', '-c', 'cat "$1"/daemons/*/native.json', 'sh', state]))
      .stdout;
    t.regex(configuration, /"path": "\/dev\/disk\/by-id\/virtio-T1"/);
  },
);

testUnless(
  reason,
  'A1, A2, A4: a lab restarts what a link means now, and serves neither another disk of a name nor the same bytes twice',
  async (t) => {
    const wire = await testWire(t);
    const dev = await ownDev(t);
    const path = (name: string): string => join(wire.folder, name);
    const byId = '/dev/disk/by-id/virtio-T1';
    const [first, second] = await Promise.all([
      loopOn(t, await image(path('l1.img'), 'first')),
      loopOn(t, await image(path('l2.img'), 'second')),
    ]);
    const lead = (disk: string) => dev.run('ln', '-sfn', disk, byId);
    lead(first);
    for (const name of ['one', 'two']) await image(path(name), name);
    await symlink('one', path('current'));
    const place = { host: 'here', implementation: 'native', interface: wire.target, netns: wire.netns };
    const write = async (...files: string[]): Promise<void> => {
      const exports = files.map((file, slot) => ({ address: `e0.${slot}`, ...place, file }));
      await writeFile(path('lab.yaml'), JSON.stringify({ lab: 'test', hosts: { here: {} }, exports }));
    };
    const run = (verb: string, ...more: string[]) =>
      cli([verb, '-f', path('lab.yaml'), ...more], wire.env, { inside: dev.inside });
    await write(path('current'), byId);
    const made = await run('apply', '--yes');
    t.is(made.exitCode, 0, made.stderr);
    t.deepEqual([await firstBytes(wire, 0, 3), await firstBytes(wire, 1, 5)], ['one', 'first']);

    const planned = async (): Promise<LabPlan> => JSON.parse((await run('plan', '--json')).stdout);
    const at = `${wire.target}%${wire.netns}`;

    await rm(path('current'));
    await symlink('two', path('current'));
    await link(path('two'), path('hard'));
    await write(path('current'), byId, path('hard'));
    const moved = await planned();
    t.deepEqual(
      moved.actions.map(({ kind, id }) => `${kind} ${id}`),
      [`restart e0.0@${at}`],
    );
    t.like(moved.troubles, [{ id: `e0.2@${at}`, happened: `${path('hard')}: it is exported as e0.0@${at}` }]);
    t.is((await run('apply', '--yes')).exitCode, 1);
    t.is(await firstBytes(wire, 0, 3), 'two');

    lead(second);
    const { actions, troubles } = await planned();
    t.deepEqual(actions, []);
    t.regex(troubles[0]?.happened ?? '', /virtio-T1 is another disk now; the one that was exported is /);
    t.regex(troubles[0]?.next ?? '', /aoe-lab restart e0\.1@\S+ --allow other-disk/);
    t.is((await run('apply', '--yes')).exitCode, 1);
    t.is(await firstBytes(wire, 1, 5), 'first');
    const { exports } = await jsonHere<StatusReport>(['status'], wire.env);
    t.deepEqual(
      exports.map(({ slot }) => slot),
      [0, 1],
    );
  },
);

testUnless(
  reason,
  'A2: a link that leads elsewhere now is told, and a restart takes what it means',
  async (t) => {
    const wire = await testWire(t);
    await image(join(wire.folder, 'daily-1'), 'one');
    await image(join(wire.folder, 'daily-2'), 'two');
    const current = join(wire.folder, 'current');
    await symlink('daily-1', current);
    const { file } = await jsonHere<ExportReport>(exporting(wire, 1, current), wire.env);
    t.is(file, current);
    t.like(await statusOf(wire, 1), {
      state: 'serving',
      file: current,
      resolved: join(wire.folder, 'daily-1'),
    });
    await rm(current);
    await symlink('daily-2', current);
    const changed = await statusOf(wire, 1);
    t.like(changed, { state: 'impaired', remedy: 'restart', resolved: join(wire.folder, 'daily-2') });
    t.regex(changed.faults.join(), /current means .*daily-2 now, and its target serves .*daily-1/);
    const meant = /current meant .*daily-1, and means .*daily-2 now/;
    await killAll(changed.pids);
    const down = await statusOf(wire, 1);
    t.like(down, { state: 'down', remedy: 'restart' });
    t.regex(down.faults.join(), new RegExp(`${meant.source}, which the next start serves`));
    const { stdout } = await cliHere(['restart', 'e0.1'], wire.env);
    t.regex(stdout, meant);
    t.is(await firstBytes(wire, 1, 3), 'two');
    t.like(await statusOf(wire, 1), { state: 'serving', faults: [] });
    t.notRegex((await cliHere(['restart', 'e0.1'], wire.env)).stdout, /meant/);
  },
);

/** Slots of a file served as it is, and by a loop device. */
const WAYS = [
  [1, []],
  [2, ['--loop']],
] as const;

testUnless(
  reason,
  'A3: a file that was replaced or removed under its target is told, by native and by a loop device',
  async (t) => {
    const wire = await testWire(t);
    const file = join(wire.folder, 'r.img');
    for (const [slot, more] of WAYS) {
      await image(file, 'old');
      await jsonHere(exporting(wire, slot, file, ...more), wire.env);
      t.like(await statusOf(wire, slot), { state: 'serving', faults: [] });
      await rename(await image(join(wire.folder, 'new.img'), 'new'), file);
      const replaced = await statusOf(wire, slot);
      t.is(replaced.state, 'impaired');
      t.regex(replaced.faults.join(), /was replaced: its target serves the one that is deleted/);
      await rm(file);
      t.regex((await statusOf(wire, slot)).faults.join(), /is gone/);
      await image(file, 'third');
      t.regex((await statusOf(wire, slot)).faults.join(), /was replaced/);
      await jsonHere(['restart', `e0.${slot}`], wire.env);
      t.is(await firstBytes(wire, slot, 5), 'third');
      t.like(await statusOf(wire, slot), { state: 'serving', faults: [] });
      await jsonHere(['unexport', '--force', `e0.${slot}`], wire.env);
    }
    await assertNothingLeft(t, wire);
  },
);

testUnless(
  reason,
  'A3: a file that was renamed under its target lives on: by which name is told, and what to do',
  async (t) => {
    const wire = await testWire(t);
    const file = join(wire.folder, 'r.img');
    const other = join(wire.folder, 'other.img');
    for (const [slot, more] of WAYS) {
      await image(file, 'old');
      await jsonHere(exporting(wire, slot, file, ...more), wire.env);
      await rename(file, other);
      const renamed = await statusOf(wire, slot);
      t.like(renamed, { state: 'impaired', remedy: 'file' });
      t.regex(renamed.faults.join(), /r\.img is gone, and the file lives on, .* as \S*other\.img/);
      t.regex(renamed.next ?? '', /^mv \S+other\.img \S+r\.img; or aoe-lab unexport/);
      await image(file, 'new');
      const replaced = await statusOf(wire, slot);
      t.like(replaced, { state: 'impaired', remedy: 'restart' });
      t.regex(replaced.faults.join(), /r\.img was replaced: .* lives on as \S*other\.img: aoe-lab restart/);
      await rename(other, file);
      t.like(await statusOf(wire, slot), { state: 'serving', faults: [] });
      // By its other name nothing of it is lost when its target ends; which that is the kernel does not tell.
      await link(file, other);
      await rm(file);
      if (slot === 1) {
        const linked = await statusOf(wire, slot);
        t.regex(linked.faults.join(), /lives on, which its target serves under another name/);
        t.regex(linked.next ?? '', /^find \S+ -xdev -inum \d+ finds it/);
      }
      await jsonHere(['unexport', '--force', `e0.${slot}`], wire.env);
      await rm(other);
    }
    await assertNothingLeft(t, wire);
  },
);

testUnless(
  reason,
  'A4: the same bytes by another name are not exported twice, disjoint slices are',
  async (t) => {
    const wire = await testWire(t);
    const file = await image(join(wire.folder, 'a.img'), 'x', 1 << 23);
    const hard = join(wire.folder, 'hard.img');
    await link(file, hard);
    await jsonHere(exporting(wire, 1, file, '--length', '8192'), wire.env);
    refused(t, await cliHere(exporting(wire, 2, hard), wire.env), /it is exported as e0\.1@/);
    const device = await loopOn(t, file);
    refused(t, await cliHere(exporting(wire, 2, device), wire.env), /it is exported as e0\.1@/);
    refused(
      t,
      await cliHere(exporting(wire, 2, hard, '--offset', '8191', '--length', '2'), wire.env),
      /it is exported as/,
    );
    await detachLoop(here, device);
    // A11: the other half.
    const { sectors } = await jsonHere<ExportReport>(
      exporting(wire, 2, hard, '--offset', '8192', '--length', '8192'),
      wire.env,
    );
    t.is(sectors, 8192);
    t.is((await statusOf(wire, 2)).size, 8192 * 512);
    refused(
      t,
      await cliHere(exporting(wire, 3, file, '--offset', '16383', '--length', '2'), wire.env),
      /16384 sectors/,
    );
    // What is overridden is named, and nothing else is.
    const forced = await cliHere(exporting(wire, 3, file, '--allow', 'mounted'), wire.env);
    refused(t, forced, /--allow exported/);
    const allowed = await cliHere(exporting(wire, 3, file, '--force'), wire.env);
    t.is(allowed.exitCode, 0, allowed.stderr);
    t.regex(allowed.stderr, /overridden: it is exported as e0\.1@/);
  },
);

testUnless(
  reason,
  'A5, A9: what another program has open or locked, and what holds the image of a disk, export refuses with the way out',
  async (t) => {
    const wire = await testWire(t);
    const file = await image(join(wire.folder, 'used.img'), 'x');
    const script = 'exec 4>> "$0"; echo held; exec sleep 60';
    const holder = spawn('flock', ['--no-fork', file, 'sh', '-c', script, file], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    t.teardown(() => holder.kill());
    await new Promise((resolve) => holder.stdout.once('data', resolve));
    const used = await cliHere(exporting(wire, 1, file), wire.env);
    refused(t, used, new RegExp(`process ${holder.pid} has locked it`));
    refused(t, used, new RegExp(`process ${holder.pid} has it open for writing`));
    refused(t, used, /release it first[\s\S]*--allow in-use: two writers destroy a file system/);
    const qcow = await image(join(wire.folder, 'a.qcow2'), '');
    await writeFile(qcow, Buffer.from('QFI\xfb', 'latin1'), { flag: 'r+' });
    const held = await cliHere(exporting(wire, 1, qcow), wire.env);
    refused(t, held, /it holds qcow2[\s\S]*qemu-img convert -O raw \S+a\.qcow2[\s\S]*--allow container$/m);
    const allowed = await cliHere(exporting(wire, 1, qcow, '--allow', 'container'), wire.env);
    t.is(allowed.exitCode, 0, allowed.stderr);
    t.regex(allowed.stderr, /overridden: it holds qcow2/);
  },
);

testUnless(reason, 'A15: export tells that what it makes has no room on its file system', async (t) => {
  const wire = await testWire(t);
  const narrow = join(wire.folder, 'narrow');
  await mkdir(narrow);
  await here.run(['mount', '-t', 'tmpfs', '-o', 'size=1m', 'none', narrow]);
  t.teardown(() => here.run(['umount', '--lazy', narrow]));
  for (const more of [['--dry-run'], []]) {
    const args = exporting(wire, 1, join(narrow, 'disk'), '--size', '64M', ...more);
    const { exitCode, stderr } = await cliHere(args, wire.env);
    t.is(exitCode, 0, stderr);
    t.regex(stderr, /64 MiB of it are not allocated yet, and its file system \(tmpfs\) has 1(\.0)? MiB free/);
  }
});

testUnless(reason, 'A6: a missing device is not made as a file, by no size', async (t) => {
  const wire = await testWire(t);
  refused(
    t,
    await cliHere(exporting(wire, 1, '/dev/aoe-not-there', '--size', '8M'), wire.env),
    /there is no such device/,
  );
  await t.throwsAsync(stat('/dev/aoe-not-there'), { code: 'ENOENT' });
  await assertNothingLeft(t, wire);
});

testUnless(
  reason,
  'A7: unexport --remove-file removes what was made, never what took its name',
  async (t) => {
    const wire = await testWire(t);
    const file = join(wire.folder, 'disk1');
    await jsonHere(exportOn(wire, 'native', 1, '--size', '8M'), wire.env);
    await rm(file);
    await mkdir(file);
    await writeFile(join(file, 'x'), 'x');
    const { stdout } = await cliHere(['unexport', '--force', 'e0.1', '--remove-file'], wire.env);
    t.regex(stdout, /something else has its name/);
    t.is(await readFile(join(file, 'x'), 'utf8'), 'x');
    await rm(file, { recursive: true });
    await jsonHere(exportOn(wire, 'native', 1, '--size', '8M'), wire.env);
    await rm(file);
    await writeFile(file, 'theirs');
    await cliHere(['unexport', '--force', 'e0.1', '--remove-file'], wire.env);
    t.is(await readFile(file, 'utf8'), 'theirs');
    await assertNothingLeft(t, wire);
  },
);

for (const [title, verb] of [
  ['destroy', 'destroy'],
  ['apply of a lab without them', 'apply'],
] as const) {
  testUnless(
    reason,
    `A7: ${title} --remove-files removes what was made, never what took its name, or its folder’s`,
    async (t) => {
      t.timeout(600_000);
      const wire = await testWire(t);
      const at = (...names: string[]): string => join(wire.folder, ...names);
      const lab = {
        lab: 'remove',
        segments: { san: { interface: wire.target, netns: wire.netns } },
        defaults: { segment: 'san', size: '1M' },
        hosts: { here: {} },
        exports: ['whole', 'moved', 'folder', 'sub/disk'].map((name, slot) => ({
          ...{ address: `e0.${slot}`, host: 'here', implementation: 'native', file: at(name) },
        })),
      };
      await mkdir(at('sub'));
      await writeFile(at('lab.yaml'), JSON.stringify(lab));
      const applied = await cliHere(['apply', '-f', at('lab.yaml'), '--yes'], wire.env);
      t.is(applied.exitCode, 0, applied.stderr);
      for (const { file } of lab.exports) await writeFile(file, 'data', { flag: 'r+' });
      await rename(at('moved'), at('moved.old'));
      await writeFile(at('moved'), 'theirs');
      await rename(at('folder'), at('folder.old'));
      await mkdir(at('folder'));
      await writeFile(at('folder', 'x'), 'theirs');
      // The very file, by a way that was not there.
      await rename(at('sub'), at('elsewhere'));
      await symlink('elsewhere', at('sub'));
      await writeFile(at('lab.yaml'), JSON.stringify({ ...lab, exports: [] }));
      const words = [verb, '-f', at('lab.yaml'), '--yes', '--remove-files', '--allow', 'used'];
      const ended = await cliHere(words, wire.env);
      t.is(ended.exitCode, 0, ended.stderr);
      t.is(ended.stderr.match(/something else has its name/g)?.length, 2, ended.stderr);
      await t.throwsAsync(stat(at('whole')), { code: 'ENOENT' });
      t.is(await readFile(at('moved'), 'utf8'), 'theirs');
      t.is(await readFile(at('folder', 'x'), 'utf8'), 'theirs');
      for (const name of ['moved.old', 'folder.old', 'elsewhere/disk']) {
        t.is((await readFile(at(name))).toString('latin1', 0, 4), 'data', name);
      }
      await assertNothingLeft(t, wire);
    },
  );
}

testUnless(reason, 'A10: what can only be read says so before it is served', async (t) => {
  const wire = await testWire(t);
  const file = await image(join(wire.folder, 'ro.img'), 'x');
  const mounted = join(wire.folder, 'mounted');
  await mkdir(mounted);
  await here.run(['mount', '--bind', '-o', 'ro', wire.folder, mounted]);
  t.teardown(() => here.run(['umount', '--lazy', mounted]));
  await here.run(['mount', '-o', 'remount,bind,ro', mounted]);
  refused(t, await cliHere(exporting(wire, 1, join(mounted, 'ro.img')), wire.env), /--read-only/);
  const fine = await cliHere(exporting(wire, 1, join(mounted, 'ro.img'), '--read-only'), wire.env);
  t.is(fine.exitCode, 0, fine.stderr);
  t.is((await stat(file)).size, 1 << 20);
});

testUnless(reason, 'A12: a file that grew is told once, and a restart takes its size', async (t) => {
  const wire = await testWire(t);
  const file = await image(join(wire.folder, 'g.img'), 'x');
  await jsonHere(exporting(wire, 1, file, '--loop'), wire.env);
  await truncate(file, 1 << 21);
  const grown = await statusOf(wire, 1);
  t.like(grown, { state: 'impaired', remedy: 'restart' });
  t.regex(grown.datapath ?? '', /receive ring|recvmmsg|a frame at a time/);
  t.is(grown.path, grown.datapath, 'its old name, for one version');
  t.regex(grown.faults.join(), /has grown to 2 MiB \(4096 sectors\), and its target serves 2048/);
  await jsonHere(['restart', 'e0.1'], wire.env);
  t.like(await statusOf(wire, 1), { state: 'serving', size: 1 << 21, faults: [] });
  // Of an empty one nothing can be served: its target is left alone.
  await truncate(file, 0);
  const emptied = await statusOf(wire, 1);
  t.like(emptied, { state: 'impaired', remedy: 'file' });
  t.regex(emptied.faults.join(), /g\.img is empty \(0 bytes\) now/);
  const refused = await cliHere(['restart', 'e0.1'], wire.env);
  t.is(refused.exitCode, 1);
  t.regex(refused.stderr, /is empty \(0 bytes\); nothing was stopped for it/);
});

for (const { name, reason, where } of OTHERS) {
  testUnless(
    reason,
    `A12: a file and a device that grew or shrank under ${name} are a fault each, and a restart takes the new size`,
    async (t) => {
      const wire = await testWire(t);
      const file = await image(join(wire.folder, 'g.img'), 'x');
      const behind = join(wire.folder, 'behind.img');
      const device = await loopOn(t, behind, 1 << 20);
      const served = [
        [1, file],
        [2, device],
      ] as const;
      for (const [slot, path] of served) {
        const args = exportOn(wire, name, slot, ...where);
        args[args.indexOf('--file') + 1] = path;
        await jsonHere(args, wire.env);
      }
      for (const [verb, size] of [
        ['grown to 2 MiB', 1 << 21],
        ['shrunk to 512 KiB', 1 << 19],
      ] as const) {
        for (const one of [file, behind]) await truncate(one, size);
        await here.run(['losetup', '--set-capacity', device]);
        for (const [slot, path] of served) {
          const { state, remedy, faults } = await statusOf(wire, slot);
          t.deepEqual([state, remedy], ['impaired', 'restart'], faults.join());
          const told = `${path} has ${verb} (${size / 512} sectors), and its target serves`;
          t.true(faults.join().includes(told), faults.join());
          t.true(faults.join().includes(`: aoe-lab restart e0.${slot}@`), faults.join());
        }
        await jsonHere(['restart', '--all'], wire.env);
        const found = await jsonHere<Found[]>(discoverOn(wire), wire.env);
        t.deepEqual(found.map(({ slot, sectors }) => [slot, sectors]).sort(), [
          [1, size / 512],
          [2, size / 512],
        ]);
        for (const [slot] of served) {
          t.like(await statusOf(wire, slot), { state: 'serving', faults: [], size });
        }
      }
    },
  );
}

testUnless(
  noVblade,
  'A13: vblade is not given direct I/O on a device whose sectors are 4096 bytes',
  async (t) => {
    const wire = await testWire(t);
    const file = await image(join(wire.folder, 'disk1'), 'x');
    const attach = ['losetup', '--find', '--show', '--sector-size', '4096', file];
    const device = (await here.run(attach)).stdout.trim();
    t.teardown(() => detachFrom(file));
    const args = exportOn(wire, 'vblade', 1, '--direct-io');
    args[args.indexOf('--file') + 1] = device;
    refused(
      t,
      await cliHere(args, wire.env),
      /its sectors are 4096 bytes, and frames carry sectors of 512[\s\S]*leave --direct-io out/,
    );
  },
);

testUnless(
  reason,
  'A13: direct I/O where there is none is refused with the file system, before anything is served',
  async (t) => {
    const wire = await testWire(t);
    const mounted = join(wire.folder, 'ram');
    await mkdir(mounted);
    await here.run(['mount', '-t', 'ramfs', 'none', mounted]);
    t.teardown(() => here.run(['umount', '--lazy', mounted]));
    const file = await image(join(mounted, 'd.img'), 'x');
    const { exitCode, stderr } = await cliHere(exporting(wire, 1, file, '--direct-io'), wire.env);
    t.is(exitCode, 2, stderr);
    t.regex(stderr, /ramfs takes no direct I\/O[\s\S]*leave --direct-io out/);
  },
);

testUnless(
  reason,
  'A14: one disk on two interfaces, by the same daemon and address, needs no override',
  async (t) => {
    const wire = await testWire(t);
    const inside = here.inNamespace(wire.netns);
    await inside.run(['ip', 'link', 'add', 'tg2', 'type', 'veth', 'peer', 'name', 'in2']);
    for (const end of ['tg2', 'in2'])
      await inside.run(['ip', 'link', 'set', end, 'addrgenmode', 'none', 'up']);
    const file = await image(join(wire.folder, 'two.img'), 'x');
    await jsonHere(exporting(wire, 1, file), wire.env);
    const second = exporting(wire, 1, file).map((word) => (word === wire.target ? 'tg2' : word));
    const { exitCode, stderr } = await cliHere(second, wire.env);
    t.is(exitCode, 0, stderr);
    t.notRegex(stderr, /overridden|destroy/);
  },
);

testUnless(
  reason,
  'HOSTILE 2: a link put in the place of a file in a folder of somebody else is not served, and told',
  async (t) => {
    const wire = await testWire(t);
    const theirs = join(wire.folder, 'theirs');
    await mkdir(theirs);
    const secret = await image(join(wire.folder, 'secret'), 'secret');
    const file = await image(join(theirs, 'disk'), 'plain');
    await chown(theirs, 12345, 12345);
    const exported = await cliHere(exporting(wire, 1, file), wire.env);
    t.is(exported.exitCode, 0, exported.stderr);
    t.regex(exported.stderr, /user 12345 may write to .*theirs/);
    await rename(file, `${file}.old`);
    await symlink(secret, file);
    t.regex((await statusOf(wire, 1)).faults.join(), /is a link, and user 12345 may write/);
    const restarted = await cliHere(['restart', 'e0.1'], wire.env);
    t.is(restarted.exitCode, 1, restarted.stderr);
    t.regex(restarted.stderr, /is a link, and user 12345 may write/);
    refused(t, await cliHere(exporting(wire, 2, file), wire.env), /--allow link/);
    // In folders of nobody else, a file that is a link now is not what was exported either.
    await chown(theirs, 0, 0);
    t.regex((await cliHere(['restart', 'e0.1'], wire.env)).stderr, /was a file when it was exported/);
    await rename(`${file}.old`, file);
    await jsonHere(['restart', 'e0.1'], wire.env);
    t.is(await firstBytes(wire, 1, 5), 'plain');
  },
);

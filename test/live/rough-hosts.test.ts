/** Hosts whose tools are busybox's, old or missing: worked round, or named. */
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { here } from '../../src/hosts/host/local.js';
import { surveyHost } from '../../src/hosts/prepare/survey.js';
import { rightsOf } from '../../src/serve/exports/process-rights.js';
import { attachLoop, detachLoop, listLoops } from '../../src/serve/storage/loop.js';
import { temporaryFolder } from '../base/temporary.js';
import { reachLabHost } from './support/lab-host.js';
import { testUnless } from './support/machine.js';
import { noRoughHosts, replaceProgram, takeAway, useBusybox } from './support/rough-hosts.js';
import { cliInside } from './support/ssh-ask.js';
import { type LabHost, type SshLab, sshLab } from './support/ssh-lab.js';

type Place = Pick<LabHost, 'name' | 'upper'>;

async function done(t: ExecutionContext, lab: SshLab, args: string[], exitCode = 0) {
  const result = await cliInside(lab, args);
  t.is(result.exitCode, exitCode, `${args.join(' ')}: ${result.stderr}${result.stdout}`);
  return result;
}

/** Whose loop devices are told from those of other hosts and runs, of which all have a path like this. */
const DISK = `/srv/disk-${process.pid}`;

function exporting(host: string, ...more: string[]): string[] {
  const words = ['--impl', 'native', '--shelf', '0', '--slot', '1', '--iface', 'san0', '--file', DISK];
  return ['export', '--host', host, ...words, '--size', '1M', ...more];
}

/** What makes the host, rather than what is done on it. */
const OTHERS = ['init', 'mount', 'umount', 'unshare', 'reboot', 'poweroff', 'halt', 'login', 'su'];

/** All programs that busybox has. */
async function smallPrograms(): Promise<string[]> {
  const names = (await here.run(['busybox', '--list'])).stdout.split('\n').filter(Boolean);
  return names.filter((name) => !OTHERS.includes(name));
}

testUnless(
  noRoughHosts('busybox'),
  'C1, C2: an export on hosts whose find, or all that there is, is busybox’s is made, seen, started again and ended',
  async (t) => {
    t.timeout(600_000);
    const prepare = async (host: Place): Promise<void> => {
      await useBusybox(host, ...(host.name === 'small' ? await smallPrograms() : ['find']));
    };
    const lab = await sshLab(t, ['finds', 'small'], { prepare });
    for (const name of ['finds', 'small']) {
      await done(t, lab, exporting(name, '--restart', 'on-failure'));
      const seen = async () => JSON.parse((await done(t, lab, ['status', '--host', name, '--json'])).stdout);
      const { exports, orphans } = await seen();
      t.like(exports[0], { state: 'serving', faults: [] });
      t.true(exports[0].pids.length > 0);
      const [{ capabilities, noNewPrivileges }] = exports.map(({ rights }: { rights: object }) => rights);
      t.true(noNewPrivileges, name);
      // busybox's setpriv leaves a supervisor all that root may.
      const least = ['dac_override', 'net_raw', 'ipc_lock'];
      if (name === 'finds') t.deepEqual(capabilities, least);
      const target = Math.max(...exports[0].pids);
      const host = await reachLabHost(t, lab, lab.hosts.find((one) => one.name === name) as LabHost);
      t.deepEqual((await rightsOf(host, [target])).get(target)?.capabilities, least, name);
      t.deepEqual(orphans, []);
      await done(t, lab, ['restart', '--host', name, 'e0.1']);
      t.is((await seen()).exports[0].state, 'serving');
      await done(t, lab, ['unexport', '--force', '--host', name, 'e0.1', '--remove-file']);
      t.deepEqual((await seen()).orphans, []);
      const before = await loops();
      for (const more of [['--loop'], ['--loop', '--persist']]) {
        await done(t, lab, exporting(name, ...more));
        const [one] = (await seen()).exports;
        t.like(one, { state: 'serving', faults: [] });
        t.regex(one.device, /^\/dev\/loop\d+$/);
        await done(t, lab, ['restart', '--host', name, 'e0.1']);
        t.like((await seen()).exports[0], { state: 'serving', faults: [] });
        await done(t, lab, ['unexport', '--force', '--host', name, 'e0.1', '--remove-file']);
        t.deepEqual(await loops(), before);
      }
    }
    const direct = await done(t, lab, exporting('small', '--loop', '--direct-io'), 3);
    t.regex(direct.stderr, /losetup.*no direct I\/O.*util-linux/s);
  },
);

/** Those of the hosts of the tests, whose folders are gone afterwards. */
async function loops(): Promise<string[]> {
  const all = await listLoops(here);
  return all.filter(({ file }) => file.endsWith(DISK)).map(({ device }) => device);
}

testUnless(
  noRoughHosts('busybox'),
  'C1: where processes can not be looked for nothing is started, and what runs is not taken for ended',
  async (t) => {
    t.timeout(600_000);
    const lab = await sshLab(t, ['blind']);
    const [blind] = lab.hosts;
    if (blind === undefined) return;
    const host = await reachLabHost(t, lab, blind);
    const grep = (mode: string) => host.run(['chmod', mode, '/usr/bin/grep']);
    await grep('000');
    t.regex((await done(t, lab, exporting('blind'), 3)).stderr, /looking for processes.*grep/s);
    t.deepEqual(await host.list('/var/lib/aoe-lab/exports'), []);
    await grep('755');
    await done(t, lab, exporting('blind'));
    await grep('000');
    t.regex((await done(t, lab, ['status', '--host', 'blind'], 3)).stderr, /can not be looked for/);
    t.regex(
      (await done(t, lab, ['unexport', '--force', '--host', 'blind', '--all'], 3)).stderr,
      /can not be looked for/,
    );
    t.is((await host.list('/var/lib/aoe-lab/exports')).length, 1);
    await grep('755');
    await done(t, lab, ['unexport', '--force', '--host', 'blind', '--all', '--remove-file']);
  },
);

testUnless(
  noRoughHosts('busybox'),
  'C2: host check names each program that is missing or too small, with its package; a lock without flock is refused by name',
  async (t) => {
    t.timeout(600_000);
    const prepare = async (host: Place): Promise<void> => {
      if (host.name === 'without') await takeAway(host, 'flock', 'setpriv');
      else await useBusybox(host, 'flock', 'setpriv', 'ip', 'date', 'sleep', 'losetup');
    };
    const lab = await sshLab(t, ['without', 'small'], { prepare });
    const without = await done(t, lab, ['host', 'check', 'without'], 3);
    t.regex(without.stderr, /missing there: flock$/m);
    t.regex(without.stdout, /^setpriv is missing: targets keep all capabilities/m);
    for (const name of ['without', 'small']) {
      const refused = await done(t, lab, ['unexport', '--force', '--host', name, '--all'], 3);
      t.regex(refused.stderr, /no flock\(1\).*util-linux/s);
    }
    const { stdout, stderr } = await done(t, lab, ['host', 'check', 'small'], 3);
    t.regex(stderr, /missing there: flock/);
    for (const [tool, brings] of [
      ['flock', 'util-linux'],
      ['losetup', 'mount'],
      ['ip', 'iproute2'],
      ['date', 'coreutils'],
    ]) {
      t.regex(stdout, new RegExp(`^${tool} is too small.*package ${brings}`, 'm'));
    }
    t.regex(stdout, /^setpriv is too small for some: targets keep all capabilities/m);
    // busybox's ip lists interfaces as text.
    t.regex(stdout, /^san0 +ether +[0-9a-f:]{17} +9000 +up/m);
    // date(1) tells whole seconds only.
    const facts = JSON.parse((await cliInside(lab, ['host', 'check', 'small', '--json'])).stdout);
    t.true(facts.clock.uncertainty >= 500);
    t.true(Math.abs(facts.clock.ahead) <= facts.clock.uncertainty + 100);
    const namespace = await done(t, lab, exporting('small', '--netns', 'lab'), 3);
    t.regex(namespace.stderr, /iproute2/);
  },
);

const OLD = `#!/bin/sh
case "$*" in *MOUNTPOINTS*|*PATH*) echo 'lsblk: unknown column' >&2; exit 1 ;; esac
exec /usr/bin/lsblk-new "$@"
`;

testUnless(
  noRoughHosts(),
  'C3: block devices are shown and exported by an lsblk before 2.37, and without one',
  async (t) => {
    t.timeout(600_000);
    const file = join(await temporaryFolder(t), 'disk');
    await here.run(['truncate', '-s', '3M', file]);
    const device = await attachLoop(here, file, { readOnly: true, directIo: false });
    t.teardown(() => detachLoop(here, device));
    const prepare = async (host: Place): Promise<void> => {
      if (host.name === 'without') return takeAway(host, 'lsblk');
      await replaceProgram(host, '/usr/bin/lsblk', OLD);
      await cp('/usr/bin/lsblk', join(host.upper, 'usr/bin/lsblk-new'));
    };
    const lab = await sshLab(t, ['old', 'without'], { prepare });
    const known = (await surveyHost(here)).devices.filter(({ size }) => size > 0);
    for (const name of ['old', 'without']) {
      const { stdout } = await cliInside(lab, ['host', 'check', name, '--json']);
      const { devices } = JSON.parse(stdout) as { devices: typeof known };
      t.like(
        devices.find(({ path }) => path === device),
        { type: 'loop', size: 3 << 20, readOnly: true },
      );
      for (const { path } of known.filter(({ type }) => type !== 'loop')) {
        t.true(
          devices.some((other) => other.path === path),
          `${path} is not shown on ${name}`,
        );
      }
      const words = exporting(name, '--read-only').filter((word) => word !== '--size' && word !== '1M');
      words[words.indexOf('--file') + 1] = device;
      await done(t, lab, words);
      const [one] = JSON.parse((await done(t, lab, ['status', '--host', name, '--json'])).stdout).exports;
      t.like(one, { state: 'serving', faults: [], file: device, size: 3 << 20 });
      await done(t, lab, ['unexport', '--force', '--host', name, 'e0.1']);
    }
  },
);

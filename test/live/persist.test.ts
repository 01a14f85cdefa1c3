/** Exports that come back after a reboot: by units of a real systemd, and by scripts where there is none. */
import { randomBytes } from 'node:crypto';
import type { ExecutionContext } from 'ava';
import type { Host } from '../../src/host/host.js';
import { here } from '../../src/host/local.js';
import type { SshHost } from '../../src/host/ssh/host.js';
import { openTarget } from '../../src/initiator/open.js';
import { openPacketLink } from '../../src/link/packet.js';
import { exportTarget } from '../../src/target/export.js';
import type { Served } from '../../src/target/plan.js';
import { provide } from '../../src/target/provide.js';
import { restartTargets } from '../../src/target/restart.js';
import { exportStatus } from '../../src/target/status.js';
import { unexportTargets } from '../../src/target/unexport.js';
import type { ExportWish } from '../../src/target/wish.js';
import { reachLabHost } from './lab-host.js';
import { builtVblade, noCompiler, sourceTree, testUnless } from './machine.js';
import { type LabHost, noSshLab, noSystemdLab, type SshLab, sshLab } from './ssh-lab.js';

const vblade = await builtVblade();
const tree = sourceTree('ggaoed-1.1');
const sources =
  noCompiler() ?? ('reason' in vblade ? vblade.reason : 'reason' in tree ? tree.reason : undefined);

const MIB = 2 ** 20;

function wish(slot: number, more: Partial<ExportWish> = {}): ExportWish {
  const path = `/srv/disk ${slot}`;
  return { shelf: 0, slot, iface: 'san0', path, size: 4 * MIB, persist: true, options: {}, ...more };
}

async function targets(): Promise<{ vblade: Served; ggaoed: Served }> {
  const source = 'path' in tree ? tree.path : undefined;
  return {
    vblade: await provide('vblade', {}),
    ggaoed: await provide('ggaoed', { release: '1.1', source }),
  };
}

/** Writes to each slot, or reads what was written, from the initiator's end of the lab. */
async function overTheWire(lab: SshLab, data: ReadonlyMap<number, Buffer>, isWritten: boolean) {
  const link = await openPacketLink({ iface: 'san0', netns: lab.netns });
  try {
    const same: number[] = [];
    for (const [slot, bytes] of data) {
      const target = await openTarget(link, { shelf: 0, slot });
      if (!isWritten) await target.write(8, bytes);
      else if ((await target.read(8, bytes.length / 512)).equals(bytes)) same.push(slot);
    }
    return same;
  } finally {
    await link.close();
  }
}

const states = async (host: Host) =>
  (await exportStatus(host)).exports.map(({ slot, state, faults }) => [slot, state, faults]);

const serving = (...slots: number[]) => slots.map((slot) => [slot, 'serving', []]);

/** All that exports could leave on a host. */
async function traces(host: Host): Promise<string[]> {
  const etc = ['systemd', 'init.d', 'rc0.d', 'rc2.d', 'rc6.d', 'runlevels'].map((name) => `/etc/${name}`);
  const places = [...etc, '/var/lib/aoe-lab', '/run/aoe-lab', '/srv'];
  const { stdout } = await host.run(['find', ...places, '-mindepth', '1', '!', '-type', 'd'], {
    accept: [1],
  });
  return stdout.split('\n').sort();
}

/** A power cut. Loop devices are this machine's own kernel's, which lives on: they are taken away here. */
async function reboot(t: ExecutionContext, lab: SshLab, host: SshHost, machine: LabHost): Promise<SshHost> {
  const { stdout } = await host.run(['sh', '-c', 'readlink /run/aoe-lab/*'], { accept: [1] });
  await host.close();
  await machine.crash();
  for (const device of stdout.split('\n').filter(Boolean)) await here.run(['losetup', '--detach', device]);
  await machine.boot();
  return reachLabHost(t, lab, machine);
}
interface Way {
  name: string;
  init: 'systemd' | 'sshd';
  reason: string | undefined;
  starter: string;
  /** What the host's init does, where sshd is the first process. */
  boot?: string;
}

const WAYS: Way[] = [
  { name: 'systemd', init: 'systemd', reason: noSystemdLab(), starter: 'systemd' },
  {
    name: 'scripts',
    init: 'sshd',
    reason: noSshLab(),
    starter: '/etc/init.d/aoe-lab',
    boot: 'for s in /etc/rc2.d/S*aoe-lab; do "$s" start; done',
  },
];

for (const { name, init, reason, starter, boot } of WAYS) {
  testUnless(reason ?? sources, `${name}: persistent exports are back after a power cut`, async (t) => {
    t.timeout(300_000);
    const { vblade, ggaoed } = await targets();
    const lab = await sshLab(t, ['one'], { init });
    const machine = lab.hosts[0] as LabHost;
    let host = await reachLabHost(t, lab, machine);
    const before = await traces(host);
    const first = await exportTarget(host, vblade, wish(1));
    t.is(first.persistence, starter);
    await exportTarget(host, vblade, wish(2, { loop: true }));
    for (const slot of [3, 4, 5]) {
      const path = `/srv/disk${slot}`;
      await exportTarget(host, ggaoed, wish(slot, { path, loop: slot === 4, persist: slot !== 5 }));
    }
    t.deepEqual(await states(host), serving(1, 2, 3, 4, 5));
    const data = new Map([1, 2, 3, 4].map((slot) => [slot, randomBytes(64 << 10)]));
    await overTheWire(lab, data, false);
    host = await reboot(t, lab, host, machine);
    if (boot !== undefined) await host.run(['sh', '-c', boot]);
    const after = await untilServing(host, 4);
    t.deepEqual(after.slice(0, 4), serving(1, 2, 3, 4));
    t.is(after[4]?.[1], 'down', 'what was not to come back has not');
    t.deepEqual(await overTheWire(lab, data, true), [1, 2, 3, 4]);
    await restartTargets(host, ['e0.5', 'e0.2']);
    t.deepEqual(await states(host), serving(1, 2, 3, 4, 5));
    await unexportTargets(host, ['e0.4'], false);
    t.deepEqual(await states(host), serving(1, 2, 3, 5));
    const { unexported } = await unexportTargets(host, undefined, true);
    t.is(unexported.length, 4);
    await host.remove('/srv/disk4');
    t.deepEqual(await traces(host), before);
    const { stdout } = await host.run(['ps', '-eo', 'args=']);
    t.notRegex(stdout, /vblade|ggaoed/);
    if (init === 'systemd') {
      const units = await host.run([
        'systemctl',
        'list-units',
        '--all',
        '--plain',
        '--no-legend',
        'aoe-lab*',
      ]);
      t.is(units.stdout, '');
    }
  });
}

/** Services come up while the host can be reached already. */
async function untilServing(host: Host, count: number) {
  for (let tries = 0; ; tries += 1) {
    const now = await states(host);
    if (tries > 100 || now.filter(([, state]) => state === 'serving').length === count) return now;
  }
}

const pidsOf = async (host: Host) => (await exportStatus(host)).exports.flatMap(({ pids }) => pids);

testUnless(
  noSystemdLab() ?? sources,
  'systemd: a killed target is started again, and what was done to a unit is told and mended',
  async (t) => {
    t.timeout(300_000);
    const { vblade } = await targets();
    const lab = await sshLab(t, ['one'], { init: 'systemd' });
    const host = await reachLabHost(t, lab, lab.hosts[0] as LabHost);
    await exportTarget(host, vblade, wish(1, { loop: true }));
    // Not to outlive a reboot: by a unit that is nowhere on the disk.
    await exportTarget(host, vblade, wish(2, { persist: false, restart: 'on-failure' }));
    const units = await host.run([
      'sh',
      '-c',
      'ls /etc/systemd/system /run/systemd/transient | grep aoe-lab',
    ]);
    t.deepEqual(units.stdout.split('\n').filter(Boolean), [
      'aoe-lab-e0.1-san0.service',
      'aoe-lab-loop-e0.1-san0.service',
      'aoe-lab-e0.2-san0.service',
    ]);
    const before = await pidsOf(host);
    t.is(before.length, 2);
    await host.run(['kill', '-KILL', ...before.map(String)]);
    t.deepEqual(await untilServing(host, 2), serving(1, 2));
    for (const pid of await pidsOf(host)) t.false(before.includes(pid));

    await host.run(['systemctl', 'disable', 'aoe-lab-e0.1-san0.service']);
    await host.remove('/etc/systemd/system/aoe-lab-loop-e0.1-san0.service');
    await host.run(['systemctl', 'daemon-reload']);
    const [[, state, faults]] = (await states(host)) as [[number, string, string[]]];
    t.is(state, 'impaired');
    t.deepEqual(faults, [
      'the unit aoe-lab-loop-e0.1-san0.service is missing: aoe-lab restart e0.1@san0',
      'the unit aoe-lab-e0.1-san0.service is not enabled: aoe-lab restart e0.1@san0',
    ]);
    await restartTargets(host, ['e0.1']);
    t.deepEqual(await states(host), serving(1, 2));
    await unexportTargets(host, undefined, true);
    const left = await host.run(['systemctl', 'list-units', '--all', '--plain', '--no-legend', 'aoe-lab*']);
    t.is(left.stdout, '');
    t.notRegex((await host.run(['ps', '-eo', 'args='])).stdout, /vblade/);
  },
);

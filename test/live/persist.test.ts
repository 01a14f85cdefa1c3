/** Exports that come back after a reboot: by units of a real systemd, and by scripts where there is none. */
import { randomBytes } from 'node:crypto';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import type { Host } from '../../src/hosts/host/host.js';
import { listInterfaces } from '../../src/hosts/host/interface.js';
import { here } from '../../src/hosts/host/local.js';
import { planPreparation } from '../../src/hosts/prepare/plan.js';
import { prepareHost } from '../../src/hosts/prepare/prepare.js';
import { surveyHost } from '../../src/hosts/prepare/survey.js';
import { fetchDebianPackages } from '../../src/make/debian/packages.js';
import { exportTarget, exportTargets } from '../../src/serve/exports/export.js';
import { provide } from '../../src/serve/exports/provide.js';
import { restartTargets } from '../../src/serve/exports/restart.js';
import type { Served } from '../../src/serve/exports/served.js';
import type { ExportSpec } from '../../src/serve/exports/spec.js';
import { exportStatus } from '../../src/serve/exports/status.js';
import { unexportTargets } from '../../src/serve/exports/unexport.js';
import { detachLoop, listLoops } from '../../src/serve/storage/loop.js';
import { openTarget } from '../../src/wire/initiator/open.js';
import { openPacketLink } from '../../src/wire/link/packet.js';
import type { DaemonStatus } from '../../src/wire/native/status-file.js';
import { reachLabHost } from './support/lab-host.js';
import { builtVblade, noCompiler, sourceTree, testUnless } from './support/machine.js';
import { overTheWire, reboot, serving, spec, states, traces, untilServing } from './support/persist-lab.js';
import { assertLeast } from './support/rights.js';
import { type LabHost, noSshLab, noSystemdLab, type SshLab, sshLab } from './support/ssh-lab.js';

const vblade = await builtVblade();
const tree = sourceTree('ggaoed-1.1');
const qaoedTree = sourceTree('qaoed-trunk');
const qaoedReason = 'reason' in qaoedTree ? qaoedTree.reason : undefined;
const noOwn = noCompiler() ?? ('reason' in vblade ? vblade.reason : undefined);
/** Without ggaoed native is the daemon of several exports. */
const sources = noOwn ?? ('reason' in tree ? tree.reason : undefined);

async function targets(): Promise<{ vblade: Served; ggaoed: Served }> {
  const source = 'path' in tree ? tree.path : undefined;
  return {
    vblade: await provide('vblade', {}),
    ggaoed: await provide('ggaoed', { release: '1.1', source }),
  };
}

interface Way {
  name: string;
  init: 'systemd' | 'sshd';
  reason: string | undefined;
  starter: string;
  /** Done once, before anything is exported. */
  prepare?(host: Host): Promise<void>;
  /** What the host's init does, where sshd is the first process. */
  boot?: string;
}

/** OpenRC's own programs; of its services only those of exports. */
async function installOpenrc(host: Host): Promise<void> {
  const names = ['openrc', 'libeinfo1', 'librc1'];
  const { folder } = await fetchDebianPackages({ suite: 'bookworm', names });
  await host.put(folder, '/opt/openrc');
  // /bin is a link here, and a folder there.
  const unpack = 'tar -C /opt/openrc -c . | tar -C / --keep-directory-symlink -x && rm -rf /opt/openrc';
  await host.run(['sh', '-c', `${unpack} && ${OPENRC_BOOT}`]);
}

/** What OpenRC has inittab(5) run at boot: sshd is the first process here. */
const OPENRC_BOOT = 'openrc sysinit && openrc boot && openrc default';

const WAYS: Way[] = [
  { name: 'systemd', init: 'systemd', reason: noSystemdLab(), starter: 'systemd' },
  {
    name: 'scripts',
    init: 'sshd',
    reason: noSshLab(),
    starter: '/etc/init.d/aoe-lab',
    boot: 'for s in /etc/rc2.d/S*aoe-lab; do "$s" start; done',
  },
  {
    name: 'OpenRC',
    init: 'sshd',
    reason: noSshLab(),
    starter: 'OpenRC (runlevel default)',
    prepare: installOpenrc,
    boot: OPENRC_BOOT,
  },
];

for (const { name, init, reason, starter, prepare, boot } of WAYS) {
  testUnless(reason ?? noOwn, `${name}: persistent exports are back after a power cut`, async (t) => {
    t.timeout(600_000);
    const lab = await sshLab(t, ['one'], { init });
    const machine = lab.hosts[0] as LabHost;
    let host = await reachLabHost(t, lab, machine);
    const vblade = await provide('vblade', {});
    const daemon = 'path' in tree ? (await targets()).ggaoed : await provide('native', { runsOn: host });
    await prepare?.(host);
    const before = await traces(host);
    const first = await exportTarget(host, vblade, spec(1));
    t.is(first.persistence, starter);
    await exportTarget(host, vblade, spec(2, { loop: true }));
    for (const slot of [3, 4, 5]) {
      const path = `/srv/disk${slot}`;
      await exportTarget(host, daemon, spec(slot, { path, loop: slot === 4, persist: slot !== 5 }));
    }
    t.deepEqual(await states(host), serving(1, 2, 3, 4, 5));
    await assertAllLeast(t, host);
    const data = new Map([1, 2, 3, 4].map((slot) => [slot, randomBytes(64 << 10)]));
    await overTheWire(lab, data, false);
    host = await reboot(t, lab, host, machine);
    if (boot !== undefined) await host.run(['sh', '-c', boot]);
    const after = await untilServing(host, 4);
    t.deepEqual(after.slice(0, 4), serving(1, 2, 3, 4));
    t.is(after[4]?.[1], 'down', 'what was not to come back has not');
    await assertAllLeast(t, host);
    t.deepEqual(await overTheWire(lab, data, true), [1, 2, 3, 4]);
    await restartTargets(host, ['e0.5', 'e0.2']);
    t.deepEqual(await states(host), serving(1, 2, 3, 4, 5));
    if (name === 'OpenRC') {
      const killed = (await exportStatus(host)).exports.flatMap(({ persist, pids }) => (persist ? pids : []));
      await host.run(['kill', '-KILL', ...killed.map(String)]);
      t.deepEqual(await untilServing(host, 5), serving(1, 2, 3, 4, 5), 'supervise-daemon starts them again');
      for (const pid of await pidsOf(host)) t.false(killed.includes(pid));
    }
    await unexportTargets(host, ['e0.4'], false);
    t.deepEqual(await states(host), serving(1, 2, 3, 5));
    const { unexported } = await unexportTargets(host, undefined, true);
    t.is(unexported.length, 4);
    await host.remove('/srv/disk4');
    t.deepEqual(await traces(host), before);
    const { stdout } = await host.run(['ps', '-eo', 'args=']);
    t.notRegex(stdout, /vblade|ggaoed|native/);
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

for (const { name, init, reason, prepare, boot } of WAYS) {
  testUnless(
    reason ?? sources ?? qaoedReason,
    `D2, D3: ${name}: disks that are missing at boot hold up no other export, and are served once they are there`,
    async (t) => {
      t.timeout(600_000);
      const { vblade } = await targets();
      const lab = await sshLab(t, ['one'], { init });
      const machine = lab.hosts[0] as LabHost;
      let host = await reachLabHost(t, lab, machine);
      await prepare?.(host);
      await host.run(['ip', 'link', 'set', 'san0', 'mtu', '1500', 'down']);
      const wanted = { purposes: [], install: false, iface: 'san0', mtu: 9000 };
      const { changes } = planPreparation(await surveyHost(host), wanted, '/var/lib/aoe-lab');
      await prepareHost(host, changes, () => {});
      const native = await provide('native', { runsOn: host });
      const qaoed = await provide('qaoed', { source: 'path' in qaoedTree ? qaoedTree.path : undefined });
      const late = [1, 2, 3, 4, 5];
      await exportTarget(host, vblade, spec(1));
      await exportTarget(host, vblade, spec(2, { loop: true }));
      await exportTarget(host, native, spec(3));
      await exportTarget(host, native, spec(4, { loop: true }));
      await exportTarget(host, qaoed, spec(5, { path: '/srv/disk5' }));
      await exportTarget(host, native, spec(6));
      await exportTarget(host, qaoed, spec(7, { path: '/srv/disk7' }));
      const paths = (await exportStatus(host)).exports.map(({ file }) => file);
      for (const slot of late) await host.run(['mv', paths[slot - 1] as string, `/srv/away${slot}`]);
      host = await reboot(t, lab, host, machine, ['mtu', '1500', 'down']);
      if (boot !== undefined) await host.run(['sh', '-c', boot]);
      await host.run(['sleep', '2']);
      // D5: the host came up with an interface as small and as dead as before it was prepared.
      const san = (await listInterfaces(host)).find((one) => one.name === 'san0');
      t.like(san, { up: true, mtu: 9000 });
      const there = await answering(lab, [1, 2, 3, 4, 5, 6, 7], [6, 7]);
      t.deepEqual(there, [6, 7]);
      for (const slot of late) await host.run(['mv', `/srv/away${slot}`, paths[slot - 1] as string]);
      t.deepEqual(await answering(lab, [1, 2, 3, 4, 5, 6, 7], [1, 2, 3, 4, 5, 6, 7]), [1, 2, 3, 4, 5, 6, 7]);
      await unexportTargets(host, undefined, true);
      t.notRegex((await host.run(['ps', '-eo', 'args='])).stdout, /vblade|qaoed|native/);
    },
  );
}

/** Slots that answer, once those that are expected do or have had a minute for it. */
async function answering(lab: SshLab, slots: readonly number[], expected: readonly number[]) {
  const link = await openPacketLink({ iface: 'san0', netns: lab.netns });
  try {
    for (let tries = 0; ; tries++) {
      const found: number[] = [];
      for (const slot of slots) {
        const target = await openTarget(link, { shelf: 0, slot }, { findTimeout: 300 }).catch(
          () => undefined,
        );
        if (target !== undefined) found.push(slot);
      }
      if (tries > 60 || expected.every((slot) => found.includes(slot))) return found;
      await sleep(500);
    }
  } finally {
    await link.close();
  }
}

const NAMESPACE = `ip netns add inside && ip link add outer type veth peer name inner
ip link set inner netns inside && ip -n inside link set inner up && ip link set outer up`;

/** Whichever way their targets were started. */
async function assertAllLeast(t: ExecutionContext, host: Host): Promise<void> {
  const { exports } = await exportStatus(host);
  const rights: Record<string, string[]> = {
    vblade: ['net_raw'],
    ggaoed: ['net_raw', 'dac_override'],
    native: ['net_raw', 'dac_override', 'ipc_lock'],
  };
  for (const { implementation, pids } of exports) {
    for (const pid of pids) {
      const own = ['/srv/', '/dev/loop', '/var/lib/aoe-lab/'];
      await assertLeast(t, host, pid, rights[implementation] ?? [], own);
    }
  }
}

const pidsOf = async (host: Host) => (await exportStatus(host)).exports.flatMap(({ pids }) => pids);

testUnless(
  noSystemdLab() ?? sources,
  'systemd: a killed target is started again, and what was done to a unit is told and repaired',
  async (t) => {
    t.timeout(600_000);
    const { vblade } = await targets();
    const lab = await sshLab(t, ['one'], { init: 'systemd' });
    const host = await reachLabHost(t, lab, lab.hosts[0] as LabHost);
    const { warnings } = await exportTarget(host, vblade, spec(1, { loop: true }));
    t.regex(warnings.join('\n'), /^nothing known here brings san0 up at boot, nor sets its MTU of 9000: /);
    // Not to outlive a reboot: by a unit that is nowhere on the disk.
    await exportTarget(host, vblade, spec(2, { persist: false, restart: 'on-failure' }));
    // In a namespace, whose entering takes a right more than the target has.
    await host.run(['sh', '-c', NAMESPACE]);
    const inside = { iface: 'inner', netns: 'inside' };
    await exportTarget(host, vblade, spec(3, { persist: false, restart: 'on-failure', ...inside }));
    await assertAllLeast(t, host);
    await unexportTargets(host, ['e0.3'], true);
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
    await assertAllLeast(t, host);

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
    const told = async () => (await exportStatus(host)).exports.map((one) => one.warnings.length);
    t.deepEqual(await told(), [1, 0], 'D5: also by status');
    const network = '/etc/systemd/network/20-san';
    await host.write(`${network}.netdev`, '[NetDev]\nName=san0\nKind=dummy\nMTUBytes=9000\n');
    await host.write(`${network}.network`, '[Match]\nName=san*\n');
    await host.run(['systemctl', 'enable', 'systemd-networkd.service']);
    t.deepEqual(await told(), [0, 0]);
    await unexportTargets(host, undefined, true);
    const left = await host.run(['systemctl', 'list-units', '--all', '--plain', '--no-legend', 'aoe-lab*']);
    t.is(left.stdout, '');
    t.notRegex((await host.run(['ps', '-eo', 'args='])).stdout, /vblade/);
  },
);

testUnless(
  noSystemdLab(),
  'systemd: native under its unit moves frames and sectors as it does without, to files and devices',
  async (t) => {
    t.timeout(600_000);
    const lab = await sshLab(t, ['one'], { init: 'systemd' });
    const host = await reachLabHost(t, lab, lab.hosts[0] as LabHost);
    const native = await provide('native', { runsOn: host });
    const ways: Partial<ExportSpec>[] = [
      {},
      { options: { directIo: true } },
      { loop: true },
      { loop: true, options: { directIo: true } },
      { persist: false },
    ];
    const slots = ways.map((_, slot) => slot);
    await exportTargets(
      host,
      slots.map((slot) => ({ served: native, spec: spec(slot, ways[slot]) })),
    );
    t.deepEqual(await states(host), serving(...slots));
    // As the daemons tell: `status` does not believe those of units here, whose /proc has not the boot that this host pretends.
    const each = 'for file in "$1"/daemons/*/status.json; do cat "$file" && printf "\\0"; done';
    const texts = (await host.run(['sh', '-c', each, 'sh', '/var/lib/aoe-lab'])).stdout
      .split('\0')
      .filter(Boolean);
    const told = texts.map((text) => JSON.parse(text) as DaemonStatus);
    const datapaths = told.flatMap(({ exports }) => exports.map(({ datapath }) => datapath));
    t.is(datapaths.length, slots.length);
    t.log(datapaths.join('\n'));
    await assertAllLeast(t, host);
    t.deepEqual([...new Set(datapaths)], [datapaths.at(-1) as string]);
    const data = new Map(slots.map((slot) => [slot, randomBytes(64 << 10)]));
    await overTheWire(lab, data, false);
    t.deepEqual(await overTheWire(lab, data, true), slots);
    const unit = `aoe-lab-native-1-${native.build.slice(0, 12)}-persistent.service`;
    const group = await host.run(['systemctl', 'show', '--property=ControlGroup', '--value', unit]);
    // A disk that nobody exports: of no driver, which is found out only by who may open it.
    await host.run(['mknod', '/srv/other', 'b', '8', '0']);
    const opening = async (device: string, from: string) => {
      const script = 'echo $$ > "/sys/fs/cgroup$1/cgroup.procs" && head -c 512 "$2" > /dev/null';
      return (await host.run(['sh', '-c', script, 'sh', from, device], { accept: [1] })).stderr;
    };
    const loop = (await exportStatus(host)).exports[2]?.device ?? '';
    t.is(await opening(loop, group.stdout.trim()), '', 'a loop device that came while it ran');
    t.regex(await opening('/srv/other', group.stdout.trim()), /not permitted/);
    t.regex(await opening('/srv/other', '/'), /No such device/);

    // D2: a disk that comes after its daemon, and has another number than before.
    const size = 4 << 20;
    const disk = `/dev/aoe-lab-test-${basename(lab.folder)}`;
    const attached: string[] = [];
    const attach = async (): Promise<void> => {
      attached.push((await host.run(['losetup', '--find', '--show', '/srv/late'])).stdout.trim());
      await host.run(['ln', '-sfn', attached.at(-1) as string, disk]);
    };
    t.teardown(async () => {
      await here.run(['rm', '-f', disk]);
      // A number that is free may be another test's by now.
      for (const { device, file } of await listLoops(here))
        if (attached.includes(device) && /\/late\b/.test(file)) await detachLoop(here, device);
    });
    await host.run(['truncate', '-s', String(size), '/srv/late']);
    await attach();
    await exportTarget(host, native, spec(9, { path: disk, size: undefined }));
    const late = new Map([[9, randomBytes(4096)]]);
    await overTheWire(lab, late, false);
    await host.run(['systemctl', 'stop', unit]);
    await host.run(['rm', disk]);
    await host.run(['systemctl', 'start', unit]);
    t.deepEqual(await answering(lab, [0, 9], [0]), [0]);
    const before = attached[0] as string;
    await attach();
    t.not(attached[1], before);
    t.deepEqual(await answering(lab, [0, 9], [0, 9]), [0, 9]);
    t.deepEqual(await overTheWire(lab, late, true), [9]);
    t.regex(await opening('/srv/other', group.stdout.trim()), /not permitted/);

    // A home, which was hidden from the daemon as long as no export lay in one.
    const [daemon] = await pidsOf(host);
    await host.run(['install', '-d', '-m', '700', '-o', '1000', '/home/eva']);
    await exportTarget(host, native, spec(7, { path: '/home/eva/disk' }));
    t.false((await pidsOf(host)).includes(daemon as number));
    t.deepEqual(await answering(lab, [0, 7, 9], [0, 7, 9]), [0, 7, 9]);

    // Ends with 1 above the threshold, in tenths.
    const { stdout } = await host.run(['systemd-analyze', 'security', '--no-pager', '--threshold=25', unit]);
    t.log(stdout.trim().split('\n').at(-1));
    await unexportTargets(host, undefined, true);
    const left = await host.run(['systemctl', 'list-units', '--all', '--plain', '--no-legend', 'aoe-lab*']);
    t.is(left.stdout, '');
    t.deepEqual(
      await host.list('/etc/systemd/system').then((all) => all.filter((one) => /^aoe/.test(one))),
      [],
    );
  },
);

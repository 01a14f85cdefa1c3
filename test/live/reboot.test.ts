/**
 * A machine that really boots again: exports of a Debian with systemd are back by themselves, with what was written to
 * them. Ordinarily after a power cut alone, for minutes go by where the processor is emulated.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { parseMac } from '../../src/aoe/index.js';
import { findCommand } from '../../src/build/requirements.js';
import type { Host } from '../../src/host/host.js';
import { openTarget } from '../../src/initiator/open.js';
import { connectStream, Hub, type Link } from '../../src/link/index.js';
import { compareVersions } from '../../src/patch/condition.js';
import { type ExportOrder, exportTargets } from '../../src/target/export.js';
import { provide } from '../../src/target/provide.js';
import { restartTargets } from '../../src/target/restart.js';
import { exportStatus } from '../../src/target/status.js';
import { unexportTargets } from '../../src/target/unexport.js';
import { bootGuest, type Guest, pidOf } from '../../src/vm/index.js';
import { debianDisk } from './debian-disk.js';
import { builtVblade, noGuests, sourceTree, testUnless } from './machine.js';

const MIB = 2 ** 20;
/** `AOE_LAB_REBOOTS=all`: an orderly reboot as well, then another kernel, and ggaoed where its source is at hand. */
const ALL = process.env.AOE_LAB_REBOOTS === 'all';
/** Of the disk; programs of this machine are to run there. */
const LIBC = '2.36';

function noCommonLibc(): string | undefined {
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  const version = header.glibcVersionRuntime;
  if (version === undefined) return 'needs glibc';
  return compareVersions(version, LIBC) > 0 ? 'programs of this machine do not run on Debian 12' : undefined;
}

const vblade = await builtVblade();
const reason =
  (await noGuests()) ??
  noCommonLibc() ??
  ('reason' in vblade ? vblade.reason : undefined) ??
  (findCommand('bwrap') === undefined ? 'needs bwrap' : undefined);
const ggaoed = sourceTree('ggaoed-1.1');
const folder = await mkdtemp(join(tmpdir(), 'aoe-lab-reboot-'));
process.env.AOE_LAB_STATE = join(folder, 'state');
test.after.always(() => rm(folder, { recursive: true, force: true }));

/** For which the module was not built. */
const OTHER_KERNEL = '5.10';
/** The slot that the module serves. */
const MODULE = 2;
const UNIT = 'aoe-lab-e1.2-eth0.service';
const misfit = {
  slot: MODULE,
  state: 'down',
  faults: [
    `the unit ${UNIT} is failed: aoe-lab restart e1.2@eth0`,
    'the module vb is not loaded: aoe-lab restart e1.2@eth0',
  ],
};

interface Machine {
  guest: Guest;
  /** Of ours, to its only interface. */
  wire: Link;
  end(): Promise<void>;
}

async function boot(disk: string, kernel?: string): Promise<Machine> {
  const guest = await bootGuest({
    fromDisk: true,
    disks: [{ path: disk }],
    links: [{}],
    memory: 512,
    kernel,
  });
  const hub = new Hub();
  const link = await connectStream({ path: guest.record.links[0]?.socket ?? '' }, { mtu: 1500 });
  hub.join(link, { name: 'guest' });
  const wire = hub.plug(parseMac('02:00:00:00:00:01') as number, { name: 'initiator', mtu: 1500 });
  const end = async (): Promise<void> => {
    await guest.stop();
    await hub.close();
    await link.close();
  };
  return { guest, wire, end };
}

/** QEMU ends where a machine would boot again. */
async function shutDown({ guest, end }: Machine): Promise<void> {
  // The connection ends with the machine.
  await guest.host.run(['systemctl', 'reboot']).catch(() => {});
  for (let tries = 0; (await pidOf(guest.record)) !== undefined && tries < 2400; tries += 1) await sleep(50);
  await end();
}

async function orders(host: Host): Promise<ExportOrder[]> {
  const source = 'path' in ggaoed ? ggaoed.path : undefined;
  const served = [
    await provide('vblade', {}),
    await provide('native', { runsOn: host }),
    // The stand-in, whose source is part of this package.
    await provide('vblade-kernel', { runsOn: host }),
    ...(source === undefined || !ALL ? [] : [await provide('ggaoed', { release: '1.1', source })]),
  ];
  return served.map((one, slot) => {
    const place = { shelf: 1, slot, iface: 'eth0', path: `/srv/disk${slot}`, size: 4 * MIB };
    return { served: one, wish: { ...place, loop: slot === 0, persist: true, options: {} } };
  });
}

/** Units are under way when the machine can be reached, and node is for a while after that. */
async function statesOnceUp(host: Host, count: number) {
  // It ends with 1 where a unit has failed.
  await host.run(['systemctl', 'is-system-running', '--wait'], { accept: [1], timeout: 600_000 });
  for (let tries = 0; ; tries += 1) {
    const { exports } = await exportStatus(host);
    const serving = exports.filter(({ state }) => state === 'serving');
    if (serving.length >= count || tries > 40) {
      return exports.map(({ slot, state, faults }) => ({ slot, state, faults }));
    }
  }
}

/** What exports leave on a disk, in the kernel and with systemd. */
async function traces(host: Host): Promise<string[]> {
  const places = ['/etc/systemd/system', '/var/lib/aoe-lab', '/run/aoe-lab', '/srv'];
  const files = await host.run(['find', ...places, '-mindepth', '1', '!', '-type', 'd'], { accept: [1] });
  const units = await host.run(['systemctl', 'list-units', '--all', '--plain', '--no-legend', 'aoe-lab*']);
  const loops = await host.run(['losetup', '--list', '--noheadings']);
  const modules = await host.run(['sh', '-c', 'ls -d /sys/module/vb 2> /dev/null || :']);
  return [files, units, loops, modules].flatMap(({ stdout }) => stdout.split('\n').filter(Boolean));
}

/** As dkms does after an update of the kernel. */
async function installModule(host: Host): Promise<void> {
  const { artifacts } = await provide('vblade-kernel', { runsOn: host });
  const { stdout } = await host.run(['uname', '-r']);
  const path = `/lib/modules/${stdout.trim()}/updates/dkms/vb.ko`;
  await host.put(artifacts[0]?.path ?? '', path);
  await host.run(['depmod']);
}

async function readBack(wire: Link, slot: number, bytes: Buffer): Promise<boolean> {
  const target = await openTarget(wire, { shelf: 1, slot }, { findTimeout: 60_000 });
  return (await target.read(0, bytes.length / 512)).equals(bytes);
}

testUnless(
  reason,
  `a guest that boots ${ALL ? 'three times' : 'twice'}: every persistent export answers with what it held`,
  async (t) => {
    t.timeout(1_200_000);
    const disk = await debianDisk(folder, { programs: [process.execPath] });
    let machine = await boot(disk);
    t.teardown(() => machine.end());
    let { host } = machine.guest;
    const before = await traces(host);
    const outcomes = await exportTargets(host, await orders(host));
    for (const { report, error } of outcomes) t.is(report?.persistence, 'systemd', error?.message);
    const slots = outcomes.map((_, slot) => slot);
    const serving = slots.map((slot) => ({ slot, state: 'serving', faults: [] as string[] }));
    const data = new Map(slots.map((slot) => [slot, randomBytes(32 << 10)]));
    for (const [slot, bytes] of data) {
      await (await openTarget(machine.wire, { shelf: 1, slot })).write(0, bytes);
    }
    t.deepEqual(await statesOnceUp(host, slots.length), serving);
    const bootId = (await host.facts()).bootId;

    const isAllThere = async (): Promise<void> => {
      t.not((await host.facts()).bootId, bootId);
      t.deepEqual(await statesOnceUp(host, slots.length), serving);
      for (const [slot, bytes] of data) t.true(await readBack(machine.wire, slot, bytes), `e1.${slot}`);
    };
    if (ALL) {
      await shutDown(machine);
      machine = await boot(disk);
      host = machine.guest.host;
      await isAllThere();
    } else {
      // vblade and the module flush nothing when they are asked to.
      await host.run(['sync']);
    }

    // What native has flushed is on the disk; the power goes in the same moment.
    const again = randomBytes(32 << 10);
    const native = await openTarget(machine.wire, { shelf: 1, slot: 1 });
    await native.write(0, again);
    await native.flush();
    data.set(1, again);
    await machine.end();
    machine = await boot(disk, ALL ? OTHER_KERNEL : undefined);
    host = machine.guest.host;
    if (ALL) {
      const states = await statesOnceUp(host, slots.length - 1);
      t.deepEqual(states, serving.with(MODULE, misfit));
      const { stdout: said } = await host.run(['journalctl', '--no-pager', '-o', 'cat', '-u', UNIT]);
      t.regex(said, /the module vb of e1\.2@eth0 was not loaded into Linux 5\.10\.\S+$/m);
      t.regex(said, /it was built for Linux 6\.1\.\S+$/m);
      t.regex(said, /after a change of kernels: aoe-lab unexport e1\.2@eth0/);
      await installModule(host);
      await restartTargets(host, ['e1.2']);
    }
    await isAllThere();
    await unexportTargets(host, undefined, true);
    t.deepEqual(await traces(host), before);
    t.deepEqual(await machine.guest.trouble(), []);
  },
);

/**
 * A machine that really boots again: exports of a Debian with systemd are back by themselves, with what was written to
 * them. Minutes go by where the processor is emulated: ordinarily hosts in namespaces boot again (persist.test.ts).
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Host } from '../../src/hosts/host/host.js';
import { exportTargets } from '../../src/serve/exports/export.js';
import { provide } from '../../src/serve/exports/provide.js';
import { restartTargets } from '../../src/serve/exports/restart.js';
import { unexportTargets } from '../../src/serve/exports/unexport.js';
import { openTarget } from '../../src/wire/initiator/open.js';
import { folderOfFile } from '../base/temporary.js';
import { debianDisk } from './support/debian-disk.js';
import { boot, noReboots, orders, readBack, shutDown, statesOnceUp } from './support/disk-machine.js';
import { ordinary, testUnless } from './support/machine.js';

const reason = ordinary ?? (await noReboots());
const folder = folderOfFile();
process.env.AOE_LAB_STATE = join(folder, 'state');

/** For which the module was not built. */
const OTHER_KERNEL = '5.10';
/** The slot that the module serves. */
const MODULE = 2;
const UNIT = 'aoe-lab-e1.2-eth0.service';
const misfit = {
  slot: MODULE,
  state: 'down',
  faults: [
    `the unit ${UNIT} is activating: aoe-lab restart e1.2@eth0`,
    'the module vb is not loaded: aoe-lab restart e1.2@eth0',
  ],
};

/** Units are under way when the machine can be reached, and node is for a while after that. */
async function statesOnceUnitsAreUp(host: Host, count: number) {
  // It ends with 1 where a unit has failed.
  await host.run(['systemctl', 'is-system-running', '--wait'], { accept: [1], timeout: 600_000 });
  return statesOnceUp(host, count);
}

/** What exports leave on a disk, in the kernel and with systemd. */
async function traces(host: Host): Promise<string[]> {
  const places = ['/etc/systemd/system', '/var/lib/aoe-lab', '/run/aoe-lab', '/srv'];
  const files = await host.run(['find', ...places, '-mindepth', '1', '!', '-type', 'd'], { accept: [1] });
  const units = await host.run(['systemctl', 'list-units', '--all', '--plain', '--no-legend', 'aoe-lab*']);
  const loops = await host.run(['losetup', '--list', '--noheadings']);
  const modules = await host.run(['sh', '-c', 'ls -d /sys/module/vb 2> /dev/null || :']);
  const all = [files, units, loops, modules].flatMap(({ stdout }) => stdout.split('\n').filter(Boolean));
  // Logs outlive their exports.
  return all.filter((line) => !line.startsWith('/var/lib/aoe-lab/logs/'));
}

/** As dkms does after an update of the kernel. */
async function installModule(host: Host): Promise<void> {
  const { artifacts } = await provide('vblade-kernel', { runsOn: host });
  const { stdout } = await host.run(['uname', '-r']);
  const path = `/lib/modules/${stdout.trim()}/updates/dkms/vb.ko`;
  await host.put(artifacts[0]?.path ?? '', path);
  await host.run(['depmod']);
}

testUnless(
  reason,
  'a guest that boots three times: every persistent export answers with what it held',
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
    t.deepEqual(await statesOnceUnitsAreUp(host, slots.length), serving);
    const bootId = (await host.facts()).bootId;

    const isAllThere = async (): Promise<void> => {
      t.not((await host.facts()).bootId, bootId);
      t.deepEqual(await statesOnceUnitsAreUp(host, slots.length), serving);
      for (const [slot, bytes] of data) t.true(await readBack(machine.wire, slot, bytes), `e1.${slot}`);
    };
    await shutDown(machine, ['systemctl', 'reboot']);
    machine = await boot(disk);
    host = machine.guest.host;
    await isAllThere();

    // What native has flushed is on the disk; the power goes in the same moment.
    const again = randomBytes(32 << 10);
    const native = await openTarget(machine.wire, { shelf: 1, slot: 1 });
    await native.write(0, again);
    await native.flush();
    data.set(1, again);
    await machine.end();
    machine = await boot(disk, OTHER_KERNEL);
    host = machine.guest.host;
    const states = await statesOnceUnitsAreUp(host, slots.length - 1);
    t.deepEqual(states, serving.with(MODULE, misfit));
    const { stdout: said } = await host.run(['journalctl', '--no-pager', '-o', 'cat', '-u', UNIT]);
    t.regex(said, /the module vb of e1\.2@eth0 was not loaded into Linux 5\.10\.\S+$/m);
    t.regex(said, /it was built for Linux 6\.1\.\S+$/m);
    t.regex(said, /after a change of kernels: aoe-lab unexport e1\.2@eth0/);
    await installModule(host);
    await restartTargets(host, ['e1.2']);
    await isAllThere();
    await unexportTargets(host, undefined, true);
    t.deepEqual(await traces(host), before);
    t.deepEqual(await machine.guest.trouble(), []);
  },
);

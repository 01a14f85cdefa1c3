/** A machine with OpenRC as its first process that boots again: after an orderly reboot, and after a power cut. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Host } from '../../src/hosts/host/host.js';
import { exportTargets } from '../../src/serve/exports/export.js';
import { unexportTargets } from '../../src/serve/exports/unexport.js';
import { openTarget } from '../../src/wire/initiator/open.js';
import { sharedFolder } from '../make/patch/trees.js';
import { debianDisk } from './support/debian-disk.js';
import { boot, noReboots, orders, readBack, shutDown, statesOnceUp } from './support/disk-machine.js';
import { ordinary, testUnless } from './support/machine.js';

const reason = ordinary ?? (await noReboots());
const folder = sharedFolder();
process.env.AOE_LAB_STATE = join(folder, 'state');

/** What exports leave on a disk, in the kernel and with OpenRC. */
async function traces(host: Host): Promise<string[]> {
  const places = ['/etc/init.d', '/etc/runlevels', '/var/lib/aoe-lab', '/run/aoe-lab', '/srv'];
  const files = await host.run(['find', ...places, '-mindepth', '1', '!', '-type', 'd'], { accept: [1] });
  const services = await host.run(['rc-status', '--format', 'ini', '--all']);
  const loops = await host.run(['losetup', '--list', '--noheadings']);
  const modules = await host.run(['sh', '-c', 'ls -d /sys/module/vb 2> /dev/null || :']);
  const all = [files, services, loops, modules].flatMap(({ stdout }) => stdout.split('\n').filter(Boolean));
  // Logs outlive their exports.
  return all.filter((line) => !line.startsWith('/var/lib/aoe-lab/logs/'));
}

testUnless(
  reason,
  'a guest with OpenRC that boots three times: every persistent export is back',
  async (t) => {
    t.timeout(1_200_000);
    const disk = await debianDisk(folder, { init: 'openrc', programs: [process.execPath] });
    let machine = await boot(disk);
    t.teardown(() => machine.end());
    let { host } = machine.guest;
    t.regex((await host.run(['readlink', '/proc/1/exe'])).stdout, /\/sbin\/openrc-init$/m);
    const before = await traces(host);
    const outcomes = await exportTargets(host, await orders(host));
    for (const { report, error } of outcomes)
      t.is(report?.persistence, 'OpenRC (runlevel default)', error?.message);
    const slots = outcomes.map((_, slot) => slot);
    const serving = slots.map((slot) => ({ slot, state: 'serving', faults: [] as string[] }));
    const data = new Map(slots.map((slot) => [slot, randomBytes(32 << 10)]));
    for (const [slot, bytes] of data) {
      await (await openTarget(machine.wire, { shelf: 1, slot })).write(0, bytes);
    }
    t.deepEqual(await statesOnceUp(host, slots.length), serving);
    const bootIds = new Set([(await host.facts()).bootId]);

    const isAllThere = async (): Promise<void> => {
      const { bootId } = await host.facts();
      t.false(bootIds.has(bootId));
      bootIds.add(bootId);
      t.deepEqual(await statesOnceUp(host, slots.length), serving);
      for (const [slot, bytes] of data) t.true(await readBack(machine.wire, slot, bytes), `e1.${slot}`);
    };
    await shutDown(machine, ['openrc-shutdown', '--reboot', 'now']);
    machine = await boot(disk);
    host = machine.guest.host;
    await isAllThere();

    // The power goes; vblade and the module flush nothing when they are asked to.
    await host.run(['sync']);
    await machine.end();
    machine = await boot(disk);
    host = machine.guest.host;
    await isAllThere();
    await unexportTargets(host, undefined, true);
    t.deepEqual(await traces(host), before);
    t.deepEqual(await machine.guest.trouble(), []);
  },
);

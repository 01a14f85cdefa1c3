/** A machine that really boots twice: exports of a Debian with systemd are back by themselves after the second boot. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { parseMac } from '../../src/aoe/index.js';
import { openTarget } from '../../src/initiator/open.js';
import { connectStream, Hub, type Link } from '../../src/link/index.js';
import { exportTarget } from '../../src/target/export.js';
import { provide } from '../../src/target/provide.js';
import { exportStatus } from '../../src/target/status.js';
import { unexportTargets } from '../../src/target/unexport.js';
import { bootGuest, type Guest, pidOf } from '../../src/vm/index.js';
import { debianDisk } from './debian-disk.js';
import { builtVblade, noCompiler, noGuests, noRoot, sourceTree, testUnless } from './machine.js';

const MIB = 2 ** 20;
const vblade = await builtVblade();
const tree = sourceTree('ggaoed-1.1');
const reason =
  (await noGuests()) ??
  noRoot() ??
  noCompiler() ??
  ('reason' in vblade ? vblade.reason : 'reason' in tree ? tree.reason : undefined);
const folder = await mkdtemp(join(tmpdir(), 'aoe-lab-persist-'));
process.env.AOE_LAB_STATE = join(folder, 'state');
test.after.always(() => rm(folder, { recursive: true, force: true }));

/** A guest from the disk, and a link of ours to its only interface. */
async function boot(disk: string): Promise<{ guest: Guest; wire: Link; end(): Promise<void> }> {
  const guest = await bootGuest({ fromDisk: true, disks: [{ path: disk }], links: [{}], memory: 384 });
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

async function shutDown({ guest, end }: Awaited<ReturnType<typeof boot>>): Promise<void> {
  // The connection ends with the machine.
  await guest.host.run(['systemctl', 'reboot']).catch(() => {});
  // QEMU ends where a machine would boot again.
  for (let tries = 0; (await pidOf(guest.record)) !== undefined && tries < 1200; tries += 1) await sleep(50);
  await end();
}

testUnless(
  reason,
  'a guest that boots twice: every persistent export answers with what it held',
  async (t) => {
    t.timeout(900_000);
    const disk = await debianDisk(folder);
    const source = 'path' in tree ? tree.path : undefined;
    const served = [await provide('vblade', {}), await provide('ggaoed', { release: '1.1', source })];
    const first = await boot(disk);
    t.log(`first boot: ${Math.round(first.guest.bootTime)} ms`);
    const data = new Map<number, Buffer>();
    for (const slot of [0, 1, 2, 3]) {
      // Each target once with a loop device and once without.
      const wish = {
        shelf: 1,
        slot,
        iface: 'eth0',
        path: `/srv/disk${slot}`,
        size: 4 * MIB,
        loop: slot % 2 === 1,
      };
      const target = served[slot >> 1] as (typeof served)[0];
      const report = await exportTarget(first.guest.host, target, { ...wish, persist: true, options: {} });
      t.is(report.persistence, 'systemd');
      const bytes = randomBytes(32 << 10);
      await (await openTarget(first.wire, { shelf: 1, slot })).write(0, bytes);
      data.set(slot, bytes);
    }
    const { exports: before } = await exportStatus(first.guest.host);
    t.deepEqual(
      before.map(({ slot, state, faults }) => [slot, state, faults]),
      [0, 1, 2, 3].map((slot) => [slot, 'serving', []]),
    );
    const firstBoot = (await first.guest.host.facts()).bootId;
    await shutDown(first);

    const second = await boot(disk);
    t.log(`second boot: ${Math.round(second.guest.bootTime)} ms`);
    try {
      const { host } = second.guest;
      t.not((await host.facts()).bootId, firstBoot);
      for (const [slot, bytes] of data) {
        const target = await openTarget(second.wire, { shelf: 1, slot });
        t.true((await target.read(0, bytes.length / 512)).equals(bytes), `e1.${slot}`);
      }
      const { exports: after } = await exportStatus(host);
      t.deepEqual(
        after.map(({ slot, state, faults }) => [slot, state, faults]),
        [0, 1, 2, 3].map((slot) => [slot, 'serving', []]),
      );
      await unexportTargets(host, undefined, true);
      const { stdout } = await host.run(
        [
          ...[
            'find',
            '/etc/systemd/system',
            '/var/lib/aoe-lab',
            '/run/aoe-lab',
            '/srv',
            '-name',
            '*aoe*',
            '-o',
          ],
          ...['-name', 'disk*'],
        ],
        { accept: [1] },
      );
      t.is(stdout, '/var/lib/aoe-lab\n');
      t.is((await host.run(['losetup', '--list', '--noheadings'])).stdout, '');
      t.deepEqual(await second.guest.trouble(), []);
    } finally {
      await second.end();
    }
  },
);

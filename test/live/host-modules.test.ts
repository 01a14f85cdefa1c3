/** Kernel modules exported on a host that is not this machine: a guest, whose kernel is found by its own word. */
import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseMac } from '../../src/aoe/index.js';
import { kernelFor } from '../../src/build/kernel.js';
import { findCommand } from '../../src/build/requirements.js';
import { UsageError } from '../../src/errors.js';
import { openTarget } from '../../src/initiator/index.js';
import { connectStream, Hub } from '../../src/link/index.js';
import { exportTarget } from '../../src/target/export.js';
import { provide } from '../../src/target/provide.js';
import { unexportTargets } from '../../src/target/unexport.js';
import { bootGuest, type Guest } from '../../src/vm/index.js';
import { sharedFolder } from '../patch/trees.js';
import { noGuests, sourceTree, testUnless } from './machine.js';

const MTU = 1500;
const DISK = 4 * 2 ** 20;

const reason = (await noGuests()) ?? (findCommand('bwrap') === undefined ? 'needs bwrap' : undefined);
const folder = sharedFolder();
process.env.AOE_LAB_STATE = join(folder, 'state');
const disk = join(folder, 'disk');
writeFileSync(disk, '');
truncateSync(disk, DISK);

const MODULES: { impl: string; module: string; lacking: string | undefined; source?: string }[] = [
  { impl: 'vblade-kernel', module: 'vb', lacking: reason },
  { impl: 'kvblade', module: 'kvblade', ...need(sourceTree('kvblade-alpha-3')) },
  { impl: 'aoeserver', module: 'aoeserver', ...need(sourceTree('aoeserver-trunk')) },
];

function need(tree: ReturnType<typeof sourceTree>): { lacking: string | undefined; source?: string } {
  return 'path' in tree ? { lacking: reason, source: tree.path } : { lacking: tree.reason };
}

/** A guest that can export, and a wire to it. */
async function lab(kernel: string) {
  const guest = await bootGuest({ kernel, links: [{ mtu: MTU }], disks: [{ path: disk }], exports: true });
  const hub = new Hub();
  hub.join(await connectStream({ path: guest.record.links[0]?.socket ?? '' }, { mtu: MTU }), {
    name: 'guest',
  });
  const wire = hub.plug(parseMac('02:00:00:00:00:09') as number, { name: 'client', mtu: MTU });
  const end = async (): Promise<void> => {
    await guest.stop();
    await hub.close();
  };
  return { guest, wire, end };
}

const isLoaded = async ({ host }: Guest, module: string): Promise<boolean> =>
  (await host.stat(`/sys/module/${module}`)) !== undefined;

for (const kernel of ['5.10', 'unstable']) {
  for (const { impl, module, lacking, source } of MODULES) {
    const title = `${impl} is built for the kernel that a host runs (${kernel}), and stays loaded while it has exports`;
    testUnless(lacking, title, async (t) => {
      t.timeout(300_000);
      const { guest, wire, end } = await lab(kernel);
      try {
        const { host } = guest;
        const served = await provide(impl, { runsOn: host, source });
        const wish = { shelf: 3, slot: 4, iface: 'eth0', path: '/dev/vda', options: {} };
        const { id, sectors } = await exportTarget(host, served, wish);
        t.is(sectors, DISK / 512);
        const target = await openTarget(wire, { shelf: 3, slot: 4 });
        const data = Buffer.alloc(4096, impl);
        await target.write(8, data);
        t.deepEqual((await host.run(['rmmod', module], { accept: [1] })).exitCode, 1);
        t.true(data.equals(await target.read(8, 8)), 'it serves on');
        await unexportTargets(host, [id], true);
        t.false(await isLoaded(guest, module));
        // An interface that is taken away takes its exports along, and nothing holds the module any more.
        await exportTarget(host, served, wish);
        const driver = '/sys/bus/virtio/drivers/virtio_net/unbind';
        await host.run(['sh', '-c', `basename $(readlink /sys/class/net/eth0/device) > ${driver}`]);
        await unexportTargets(host, undefined, true);
        t.false(await isLoaded(guest, module));
        t.deepEqual(await guest.trouble(), []);
      } finally {
        await end();
      }
    });
  }
}

testUnless(reason, 'a module is not built for another kernel than the host runs', async (t) => {
  t.timeout(300_000);
  const { guest, end } = await lab('6.1');
  try {
    t.is((await kernelFor(guest.host, '6.1')).release, guest.record.release ?? '');
    const error = await t.throwsAsync(kernelFor(guest.host, '5.10'), { instanceOf: UsageError });
    t.regex(error?.message ?? '', /Linux 6\.1\.\S+ runs there, and 5\.10 is 5\.10\./);
  } finally {
    await end();
  }
});

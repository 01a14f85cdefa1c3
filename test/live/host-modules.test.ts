/** Kernel modules exported on a host that is not this machine: a guest, whose kernel is found by its own word. */
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import test from 'ava';
import { UsageError } from '../../src/base/errors.js';
import { writeLines } from '../../src/hosts/host/write-line.js';
import { kernelFor } from '../../src/make/compile/kernel.js';
import { findCommand } from '../../src/make/compile/requirements.js';
import { bootGuest, type Guest } from '../../src/prove/vm/index.js';
import { exportTarget } from '../../src/serve/exports/export.js';
import { provide } from '../../src/serve/exports/provide.js';
import { unexportTargets } from '../../src/serve/exports/unexport.js';
import { parseMac } from '../../src/wire/aoe/index.js';
import { openTarget } from '../../src/wire/initiator/index.js';
import { connectStream, Hub } from '../../src/wire/link/index.js';
import { cliJson } from './support/cli.js';
import { guestUser } from './support/guest-user.js';
import { LONG, noGuests, sourceTree, testUnless } from './support/machine.js';

const MTU = 1500;
const DISK = 4 * 2 ** 20;

const reason = (await noGuests()) ?? (findCommand('bwrap') === undefined ? 'needs bwrap' : undefined);
const folder = mkdtempSync(join(tmpdir(), 'aoe-lab-test-'));
process.env.AOE_LAB_STATE = join(folder, 'state');

const MODULES: { impl: string; module: string; lacking: string | undefined; source?: string }[] = [
  { impl: 'vblade-kernel', module: 'vb', lacking: reason },
  { impl: 'kvblade', module: 'kvblade', ...need(sourceTree('kvblade-alpha-3')) },
  { impl: 'aoeserver', module: 'aoeserver', ...need(sourceTree('aoeserver-trunk')) },
];

function need(tree: ReturnType<typeof sourceTree>): { lacking: string | undefined; source?: string } {
  return 'path' in tree ? { lacking: reason, source: tree.path } : { lacking: tree.reason };
}

/** A guest that can export, and a wire to it. */
async function boot(kernel: string) {
  const disk = join(folder, `disk-${kernel}`);
  writeFileSync(disk, '');
  truncateSync(disk, DISK);
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
  return { kernel, guest, wire, end };
}

/** One at a time, for all tests of its kernel. */
let lab: Awaited<ReturnType<typeof boot>> | undefined;
test.after.always(async () => {
  await lab?.end();
  rmSync(folder, { recursive: true });
});

async function labOf(kernel: string): ReturnType<typeof boot> {
  if (lab?.kernel === kernel) return lab;
  await lab?.end();
  lab = undefined;
  lab = await boot(kernel);
  return lab;
}

const isLoaded = async ({ host }: Guest, module: string): Promise<boolean> =>
  (await host.stat(`/sys/module/${module}`)) !== undefined;

/** Takes its network card away from a guest and gives it back. */
async function replug({ host }: Guest, during: () => Promise<unknown>): Promise<void> {
  const driver = '/sys/bus/virtio/drivers/virtio_net';
  const { stdout } = await host.run(['readlink', '/sys/class/net/eth0/device']);
  const card = basename(stdout.trim());
  await host.run(writeLines([{ path: `${driver}/unbind`, line: card }]));
  await during();
  await host.run(writeLines([{ path: `${driver}/bind`, line: card }]));
  await host.run(['ip', 'link', 'set', 'eth0', 'up']);
}

/** That of other guests; the oldest and the newest take minutes more where the processor is emulated. */
const USUAL = '6.1';
const KERNELS = LONG ? ['5.10', USUAL, 'unstable'] : [USUAL];

for (const kernel of KERNELS) {
  for (const { impl, module, lacking, source } of MODULES) {
    const title = `${impl} is built for the kernel that a host runs (${kernel}), and stays loaded while it has exports`;
    testUnless(lacking, title, async (t) => {
      t.timeout(600_000);
      const { guest, wire } = await labOf(kernel);
      const { host } = guest;
      const served = await provide(impl, { runsOn: host, source });
      const spec = { shelf: 3, slot: 4, iface: 'eth0', path: '/dev/vda', options: {} };
      const { id, sectors } = await exportTarget(host, served, spec);
      t.is(sectors, DISK / 512);
      const target = await openTarget(wire, { shelf: 3, slot: 4 });
      const data = Buffer.alloc(1024, impl);
      await target.write(8, data);
      t.is((await host.run(['rmmod', module], { accept: [1] })).exitCode, 1);
      t.true(data.equals(await target.read(8, 2)), 'it serves on');
      await unexportTargets(host, [id], true);
      t.false(await isLoaded(guest, module));
      // An interface that is taken away takes its exports along, and nothing holds the module any more.
      await exportTarget(host, served, spec);
      await replug(guest, () => unexportTargets(host, undefined, true));
      t.false(await isLoaded(guest, module));
      t.deepEqual(await guest.trouble(), []);
    });
  }
}

testUnless(reason, 'a module is not built for another kernel than the host runs', async (t) => {
  t.timeout(600_000);
  const { guest } = await labOf(USUAL);
  t.is((await kernelFor(guest.host, USUAL)).release, guest.record.release ?? '');
  const error = await t.throwsAsync(kernelFor(guest.host, '5.10'), { instanceOf: UsageError });
  t.regex(error?.message ?? '', /Linux \d\S+ runs there, and 5\.10 is 5\.10\./);
});

testUnless(
  reason,
  'a module is exported on a host over SSH by the command, and taken away again',
  async (t) => {
    t.timeout(600_000);
    const { guest, wire } = await labOf(USUAL);
    const env = await guestUser(folder, 'target', guest);
    const lab = (...argv: string[]) => cliJson<Record<string, unknown>>([...argv, '--host', 'target'], env);
    const address = ['--shelf', '5', '--slot', '6'];
    const place = ['--iface', 'eth0', '--file', '/dev/vda'];
    const exported = await lab('export', '--impl', 'vblade-kernel', ...address, ...place);
    t.like(exported, { id: 'e5.6@eth0', implementation: 'vblade-kernel', sectors: DISK / 512 });
    const target = await openTarget(wire, { shelf: 5, slot: 6 });
    const data = Buffer.alloc(1024, 'command');
    await target.write(8, data);
    t.true(data.equals(await target.read(8, 2)));
    t.like(await lab('status'), { exports: [{ id: 'e5.6@eth0', state: 'serving' }], orphans: [] });
    t.like(await lab('restart', 'e5.6'), { restarted: [{ id: 'e5.6@eth0' }] });
    t.true(data.equals(await target.read(8, 2)), 'it serves again');
    t.like(await lab('unexport', '--force', 'e5.6'), { unexported: [{ id: 'e5.6@eth0' }] });
    t.false(await isLoaded(guest, 'vb'));
    t.deepEqual((await lab('status')).exports, []);
  },
);

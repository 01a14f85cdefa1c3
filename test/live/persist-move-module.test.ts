/** Persistent exports that move to a kernel module and back, on a Debian guest that boots again afterwards. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { openTarget } from '../../src/wire/initiator/open.js';
import { sharedFolder } from '../make/patch/trees.js';
import { cliJson } from './support/cli.js';
import { debianDisk } from './support/debian-disk.js';
import { boot } from './support/disk-machine.js';
import { guestUser } from './support/guest-user.js';
import { noGuests, ordinary, sourceTree, testUnless } from './support/machine.js';

const reason = ordinary ?? (await noGuests());
const folder = sharedFolder();
process.env.AOE_LAB_STATE = join(folder, 'state');

const MODULES: { to: string; source: string[]; lacking: string | undefined }[] = [
  { to: 'vblade-kernel', source: [], lacking: undefined },
  ...(['kvblade-alpha-3', 'aoeserver-trunk'] as const).map((name) => {
    const tree = sourceTree(name);
    const to = name.replace(/-.*/, '');
    return 'path' in tree
      ? { to, source: ['--source', tree.path], lacking: undefined }
      : { to, source: [], lacking: tree.reason };
  }),
];

async function bootStore(disk: string) {
  const machine = await boot(disk);
  const { guest } = machine;
  const env = await guestUser(folder, 'store', guest);
  const lab = (...argv: string[]) => cliJson<Record<string, unknown>>([...argv, '--host', 'store'], env);
  const units = async () =>
    (await guest.host.list('/etc/systemd/system')).filter((name) => /^aoe-lab-.*\.service$/.test(name));
  return { ...machine, lab, units };
}

for (const { to, source, lacking } of MODULES) {
  testUnless(
    reason ?? lacking,
    `a persistent export moves from vblade to ${to}, boots, and moves back`,
    async (t) => {
      t.timeout(1_800_000);
      const disk = await debianDisk(folder, { programs: [process.execPath] });
      let machine = await bootStore(disk);
      t.teardown(() => machine.end());
      const address = ['--shelf', '1', '--slot', '2'];
      const place = ['--iface', 'eth0', '--file', '/srv/disk', '--size', '4M'];
      await machine.lab('export', '--impl', 'vblade', ...address, ...place, '--persist');
      const data = randomBytes(8192);
      const target = await openTarget(machine.wire, { shelf: 1, slot: 2 });
      await target.write(0, data);

      await machine.lab('migrate', 'e1.2', '--to', to, ...source, '--yes');
      t.like(await machine.lab('status'), {
        exports: [{ implementation: to, state: 'serving', faults: [] }],
      });
      t.true((await (await openTarget(machine.wire, { shelf: 1, slot: 2 })).read(0, 16)).equals(data));
      await machine.guest.host.run(['sync']);
      await machine.end();
      machine = await bootStore(disk);
      await machine.guest.host.run(['systemctl', 'is-system-running', '--wait'], {
        accept: [1],
        timeout: 600_000,
      });
      t.like(await machine.lab('status'), {
        exports: [{ implementation: to, state: 'serving', faults: [] }],
      });
      const again = await openTarget(machine.wire, { shelf: 1, slot: 2 }, { findTimeout: 60_000 });
      t.true((await again.read(0, 16)).equals(data), 'it is back after the boot');

      await machine.lab('migrate', 'e1.2', '--to', 'vblade', '--yes');
      t.like(await machine.lab('status'), {
        exports: [{ implementation: 'vblade', state: 'serving', faults: [] }],
      });
      t.true((await (await openTarget(machine.wire, { shelf: 1, slot: 2 })).read(0, 16)).equals(data));
      await machine.lab('unexport', '--force', 'e1.2');
      t.deepEqual(await machine.units(), []);
      t.deepEqual(await machine.guest.trouble(), []);
    },
  );
}

/** A host that has the headers of its kernel and a compiler builds its module itself: a Debian guest, as a host over SSH. */
import { join } from 'node:path';
import { findKernel } from '../../src/make/debian/kernels.js';
import { bootGuest } from '../../src/prove/vm/index.js';
import { temporaryFolder } from '../base/temporary.js';
import { cliJson } from './support/cli.js';
import { debianDisk } from './support/debian-disk.js';
import { guestUser } from './support/guest-user.js';
import { noGuests, ordinary, testUnless } from './support/machine.js';

const reason = ordinary ?? (await noGuests());

testUnless(reason, 'a host builds a module with its own headers and compiler, and loads it', async (t) => {
  t.timeout(1_800_000);
  const folder = await temporaryFolder(t);
  const { release } = await findKernel('6.1');
  const packages = ['gcc', 'make', 'mawk', `linux-headers-${release}`];
  const disk = await debianDisk(folder, { packages, size: '2G' });
  process.env.AOE_LAB_STATE = join(folder, 'state');
  const guest = await bootGuest({ fromDisk: true, disks: [{ path: disk }], memory: 1024, links: [{}] });
  t.teardown(() => guest.stop());
  // What the package's own script would have made.
  await guest.host.run(['ln', '-s', 'mawk', '/usr/bin/awk']);
  const env = await guestUser(folder, 'builder', guest);
  const built = await cliJson<{ kernel: string; warnings: number; artifacts: string[] }>(
    // Whether the store has that build already: it is to be made there.
    ['build', 'vblade-kernel', '--force', '--host', 'builder'],
    env,
  );
  t.like(built, { kernel: release, warnings: 0 });
  await guest.host.put(built.artifacts[0] as string, '/root/vb.ko');
  await guest.host.run(['insmod', '/root/vb.ko']);
  t.deepEqual(await guest.host.list('/sys/vblade'), ['drives']);
  await guest.host.run(['rmmod', 'vb']);
  t.deepEqual(await guest.trouble(), []);
});

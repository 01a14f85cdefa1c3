import { createHash } from 'node:crypto';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { parseMac } from '../../src/aoe/index.js';
import { connectStream, Hub } from '../../src/link/index.js';
import { serveTargets } from '../../src/native/index.js';
import { bootGuest, type Guest } from '../../src/vm/index.js';
import { noGuests, testUnless } from './machine.js';

const MIB = 2 ** 20;
const reason = await noGuests();
const folder = await mkdtemp(join(tmpdir(), 'aoe-lab-guest-'));
process.env.AOE_LAB_STATE = join(folder, 'state');
test.after.always(() => rm(folder, { recursive: true, force: true }));

/** A native target of this process, a hub, and a guest on it. */
async function lab(mtu: number) {
  const guest = await bootGuest({ links: [{ mtu }], memory: 384 });
  const hub = new Hub();
  const link = await connectStream({ path: guest.record.links[0]?.socket ?? '' }, { mtu });
  hub.join(link, { name: 'guest' });
  const path = join(folder, `disk-${mtu}.img`);
  const file = await open(path, 'w');
  await file.truncate(128 * MIB);
  await file.close();
  const wire = hub.plug(parseMac('02:00:00:00:00:01') as number, { name: 'target', mtu });
  const server = await serveTargets(wire, [{ address: { shelf: 1, slot: 2 }, backing: { path } }]);
  return {
    guest,
    path,
    end: async () => {
      await guest.stop();
      await server.close();
      await hub.close();
      await link.close();
    },
  };
}

/** Waits until the driver has a device and knows its size. */
const UNTIL_THERE = `n=0
until [ "$(cat /sys/block/etherd!e1.2/state 2>/dev/null)" = up ] && [ "$(cat /sys/block/etherd!e1.2/size)" -gt 0 ]; do
  n=$((n + 1)); [ $n -lt 300 ] || exit 1
  [ $((n % 50)) -ne 49 ] || aoe-discover
  sleep 0.1
done`;

async function useTarget({ host }: Guest): Promise<string> {
  const run = async (...argv: string[]): Promise<string> =>
    (await host.run(argv, { timeout: 120_000 })).stdout;
  await run('aoe-discover');
  await run('sh', '-c', UNTIL_THERE);
  await run('mkfs.ext4', '-q', '/dev/etherd/e1.2');
  await run('mount', '/dev/etherd/e1.2', '/mnt');
  await run('sh', '-c', 'dd if=/dev/urandom of=/mnt/file bs=1M count=20 2>/dev/null && sync');
  const written = await run('sha256sum', '/mnt/file');
  await run('umount', '/mnt');
  await run('sh', '-c', 'echo 3 > /proc/sys/vm/drop_caches');
  await run('mount', '/dev/etherd/e1.2', '/mnt');
  const found = await run('sha256sum', '/mnt/file');
  await run('umount', '/mnt');
  if (written !== found) throw new Error(`${written} is not ${found}`);
  return run('aoe-stat');
}

testUnless(
  reason,
  'the aoe driver of Linux 6.1 makes a file system on a native target and finds it again',
  async (t) => {
    t.timeout(300_000);
    const { guest, path, end } = await lab(9000);
    try {
      t.log(`reached ${Math.round(guest.bootTime)} ms after QEMU was started`);
      await guest.loadModule('aoe', ['aoe_deadsecs=20']);
      t.regex(await useTarget(guest), /e1\.2\s+0\.134GB\s+eth0\s+8704\s+up/);
      // The same file system from the other side: what the driver wrote lies in the target's file.
      const file = await open(path);
      const { buffer } = await file.read(Buffer.alloc(2), 0, 2, 1024 + 56);
      await file.close();
      t.is(buffer.toString('hex'), '53ef', 'the magic number of ext4');
      t.deepEqual(await guest.trouble(), []);
      const bytes = Buffer.alloc(3 * MIB, createHash('sha256').update('seed').digest());
      await guest.host.write('/tmp/a', bytes);
      t.true(bytes.equals(await guest.host.read('/tmp/a')));
      await guest.setCable(0, false);
      t.is((await guest.host.run(['cat', '/sys/class/net/eth0/carrier'])).stdout, '0\n');
    } finally {
      await end();
    }
  },
);

testUnless(reason, 'a kernel that goes wrong is named in the error, and its guest is gone', async (t) => {
  t.timeout(300_000);
  const guest = await bootGuest();
  const error = await t.throwsAsync(guest.host.run(['sh', '-c', 'sleep 0.3; echo c > /proc/sysrq-trigger']));
  t.regex(String(error?.message), /the connection was lost/);
  t.regex(String(error?.message), /its QEMU has ended:\n.*sysrq triggered crash/is);
  t.regex((await guest.trouble()).join('\n'), /Kernel panic/);
  await guest.stop();
});

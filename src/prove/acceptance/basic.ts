import type { LinuxContext } from './context.js';
import type { Step } from './record.js';
import { digestOn, FILE, MOUNT, mounted, requireDigest, secondsOf, unmount } from './volume.js';

/** Milliseconds; a target on the wire answers the first question. */
const DISCOVERY = 15_000;

/** Test 1 of the handbook: basic I/O through a file system. The device is left unmounted. */
export async function basic({ client, target, fileMib }: LinuxContext, step: Step): Promise<void> {
  const { host, device } = client;
  const { sectors } = target;
  const last = await client.lastKernelLine();
  await step('the client discovers the target', async () => {
    const found = await client.discovered(DISCOVERY);
    if (found.sectors !== sectors) {
      throw new Error(`${device} has ${found.sectors} sectors, and ${sectors} are exported`);
    }
    return `${device}, ${found.sectors} sectors, state ${found.state}`;
  });
  await step('mkfs.ext4', async () => {
    await host.run(['mkfs.ext4', '-q', '-F', device]);
    return 'made';
  });
  await step('mount', () => mounted(client));
  const digest = await step(`write ${fileMib} MiB`, async () => {
    const seconds = await secondsOf(() =>
      host.run([
        'dd',
        'if=/dev/urandom',
        `of=${FILE}`,
        'bs=1M',
        `count=${fileMib}`,
        'conv=fsync',
        'status=none',
      ]),
    );
    const value = await digestOn(host, FILE);
    return { seen: `${(fileMib / seconds).toFixed(0)} MiB/s, sha256 ${value}`, value };
  });
  await step('unmount, forget the cache, mount again', async () => {
    await unmount(client);
    return mounted(client);
  });
  await step('the digest is the same', async () => {
    const seconds = await secondsOf(() => requireDigest(host, digest));
    return `equal, ${(fileMib / seconds).toFixed(0)} MiB/s`;
  });
  await step('unmount and check the file system', async () => {
    await unmount(client);
    await host.run(['e2fsck', '-f', '-n', device]);
    return 'clean';
  });
  await step('no errors in the kernel log', async () => {
    const complaints = await client.complaints(last);
    if (complaints.length > 0) throw new Error(complaints.join('\n'));
    return `${MOUNT} left no trace of trouble`;
  });
}

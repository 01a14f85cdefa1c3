/** A file system on the client's device. */
import type { Host } from '../../hosts/host/host.js';
import type { AoeClient } from './client.js';

export const MOUNT = '/mnt/aoe';
export const FILE = `${MOUNT}/file`;

export async function mounted({ host, device }: AoeClient): Promise<string> {
  await host.run(['mkdir', '-p', MOUNT]);
  await host.run(['mount', '-t', 'ext4', device, MOUNT]);
  return `${device} at ${MOUNT}`;
}

/** Unmounts, and has what was read forgotten, so that it is read from the target again. */
export async function unmount({ host }: AoeClient): Promise<void> {
  await host.run(['umount', MOUNT]);
  await host.run(['sh', '-c', 'echo 3 > /proc/sys/vm/drop_caches']);
}

/** After a test that failed: its file system must not stand in the way of the next one. */
export async function leave({ host }: AoeClient): Promise<void> {
  await host.run(['umount', '-l', MOUNT], { accept: [1, 32] }).catch(() => {});
}

export async function digestOn(host: Pick<Host, 'run'>, path: string): Promise<string> {
  const { stdout } = await host.run(['sha256sum', path]);
  return stdout.slice(0, 64);
}

/** A fresh file system with a file of random data, mounted and written out. @returns the file's digest */
export async function withFile(client: AoeClient): Promise<{ seen: string; value: string }> {
  const { host, device } = client;
  await host.run(['mkfs.ext4', '-q', '-F', device]);
  await mounted(client);
  await host.run(['dd', 'if=/dev/urandom', `of=${FILE}`, 'bs=1M', 'count=16', 'status=none']);
  await host.run(['sync']);
  const value = await digestOn(host, FILE);
  return { seen: `16 MiB, sha256 ${value}`, value };
}

/** @throws Error if the file's digest is another one */
export async function requireDigest(host: Pick<Host, 'run'>, digest: string): Promise<void> {
  const again = await digestOn(host, FILE);
  if (again !== digest) throw new Error(`it was ${digest} and is ${again}`);
}

/** How long something takes, at least a thousandth. */
export async function secondsOf(act: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await act();
  return Math.max(1, performance.now() - begun) / 1000;
}

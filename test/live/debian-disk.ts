/** A Debian with systemd as a file for a guest's disk: packages as they are, and the few files that their scripts would have made. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { here } from '../../src/host/local.js';
import { fetchDebianPackages } from '../../src/source/debian/packages.js';

const SUITE = 'bookworm';
const PACKAGES = [
  ...['base-files', 'base-passwd', 'systemd', 'systemd-sysv', 'udev', 'kmod', 'dropbear-bin'],
  ...['iproute2', 'util-linux', 'mount', 'coreutils', 'dash', 'bash', 'findutils', 'grep', 'sed', 'hostname'],
  // ggaoed's libraries.
  ...['libaio1', 'libglib2.0-0', 'libblkid1'],
];

/** Makes the file in a folder. @returns its path */
export async function debianDisk(folder: string): Promise<string> {
  const request = { suite: SUITE, names: PACKAGES, dependencies: true };
  const packages = await fetchDebianPackages(request);
  const disk = join(folder, 'debian.img');
  await here.run(['truncate', '--size', '512M', disk]);
  // No journal of its own is as good: the power is cut in the middle of things.
  const options = ['-q', '-t', 'ext4', '-d', packages.folder, disk];
  await here.run(['mke2fs', ...options], { timeout: 300_000 });
  const commands = await Promise.all([
    placed(
      folder,
      'etc/passwd',
      'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/usr/sbin/nologin\n',
    ),
    placed(folder, 'etc/group', 'root:x:0:\ntty:x:5:\ndisk:x:6:\nnogroup:x:65534:\n'),
    placed(folder, 'etc/shells', '/bin/sh\n'),
    placed(folder, 'etc/machine-id', `${'0123456789abcdef'.repeat(2)}\n`),
  ]);
  await writeFile(join(folder, 'commands'), `${commands.flat().join('\n')}\nmkdir srv\n`);
  const { stderr } = await here.run(['debugfs', '-w', '-f', join(folder, 'commands'), disk]);
  const faults = stderr.split('\n').filter((line) => line !== '' && !/^debugfs \d/.test(line));
  if (faults.some((line) => !line.includes('exists'))) throw new Error(faults.join('\n'));
  return disk;
}

/** The commands that put a text to a path, in place of what is there. */
async function placed(folder: string, path: string, text: string): Promise<string[]> {
  const copy = join(folder, path.replaceAll('/', '-'));
  await writeFile(copy, text);
  return [`write ${copy} ${path}`];
}

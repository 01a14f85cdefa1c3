/**
 * A Debian with systemd or OpenRC as a file for a guest's disk: packages as they are, unpacked, and the few files that their
 * scripts would have made.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { here } from '../../../src/hosts/host/local.js';
import { fetchDebianPackages } from '../../../src/make/debian/packages.js';
import { READY } from '../../../src/prove/vm/init.js';

const SUITE = 'bookworm';
const PACKAGES = [
  ...['base-files', 'base-passwd', 'kmod', 'dropbear-bin'],
  ...[
    'iproute2',
    'util-linux',
    'mount',
    'coreutils',
    'dash',
    'bash',
    'findutils',
    'grep',
    'sed',
    'hostname',
    'libc-bin',
  ],
  // ggaoed's libraries, and node's.
  ...['libaio1', 'libglib2.0-0', 'libblkid1', 'libstdc++6'],
];
const INITS = { systemd: ['systemd', 'systemd-sysv', 'udev'], openrc: ['openrc'] };

/** What people at a screen and a system for years need: seconds, where the processor is emulated. */
const MASKED = [
  ...['getty.target', 'getty-static.service', 'systemd-user-sessions.service', 'systemd-sysusers.service'],
  ...['systemd-update-utmp.service', 'systemd-update-utmp-runlevel.service', 'systemd-random-seed.service'],
  ...['dev-hugepages.mount', 'dev-mqueue.mount', 'sys-kernel-debug.mount', 'sys-kernel-tracing.mount'],
  ...['modprobe@.service', 'systemd-sysctl.service', 'systemd-ask-password-wall.path'],
];

const TEXTS: Readonly<Record<string, string>> = {
  'etc/passwd': 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/usr/sbin/nologin\n',
  'etc/group': 'root:x:0:\ntty:x:5:\ndisk:x:6:\nuucp:x:10:\nnogroup:x:65534:\n',
  'etc/shells': '/bin/sh\n',
  'etc/machine-id': `${'0123456789abcdef'.repeat(2)}\n`,
};

/** By which a system with OpenRC gets its network and can be reached; one with systemd finds units for that below /run. */
const SERVICES: Readonly<Record<string, string>> = {
  'guest-network': `#!/sbin/openrc-run
depend() {
	provide net
}
start() {
	sh /run/guest/guest-network
}
`,
  'guest-shell': `#!/sbin/openrc-run
command=/usr/sbin/dropbear
command_args="-E -s -r /run/guest/key -p 22 -P /run/dropbear.pid"
pidfile=/run/dropbear.pid
depend() {
	need net
}
start_post() {
	echo '${READY}' > /dev/console
}
`,
};

interface DiskOptions {
  /** The first process. */
  init?: keyof typeof INITS;
  /** Further programs of this machine's, by path, for /usr/bin. */
  programs?: readonly string[];
  /** Further ones of the suite. */
  packages?: readonly string[];
  /** For truncate(1). */
  size?: string;
}

/**
 * Makes the file in a folder.
 * @returns its path
 */
export async function debianDisk(
  folder: string,
  { init = 'systemd', programs = [], packages: more = [], size = '768M' }: DiskOptions = {},
): Promise<string> {
  const request = { suite: SUITE, names: [...INITS[init], ...PACKAGES, ...more], dependencies: true };
  const packages = await fetchDebianPackages(request);
  const disk = join(folder, 'debian.img');
  await here.run(['truncate', '--size', size, disk]);
  await here.run(['mke2fs', '-q', '-t', 'ext4', '-d', packages.folder, disk], { timeout: 300_000 });
  const services = init === 'openrc' ? Object.entries(SERVICES) : [];
  const files = [
    ...Object.entries(TEXTS),
    ...services.map(([name, text]) => [`etc/init.d/${name}`, text] as const),
  ];
  const texts = files.map(async ([path, text]) => {
    const copy = join(folder, path.replaceAll('/', '-'));
    await writeFile(copy, text);
    return `write ${copy} ${path}`;
  });
  const commands = [
    'mkdir srv',
    ...(await Promise.all(texts)),
    ...(init === 'systemd' ? MASKED : []).map((unit) => `symlink etc/systemd/system/${unit} /dev/null`),
    // OpenRC keeps process ids below /var/run, which scripts of base-files lead to where a reboot empties it.
    ...(init === 'openrc' ? ['symlink sbin/init openrc-init', 'symlink var/run /run'] : []),
    ...services.flatMap(([name]) => [
      `set_inode_field etc/init.d/${name} mode 0100755`,
      `symlink etc/runlevels/default/${name} /etc/init.d/${name}`,
    ]),
    ...programs.flatMap((path) => {
      const name = `usr/bin/${path.split('/').at(-1)}`;
      return [`write ${path} ${name}`, `set_inode_field ${name} mode 0100755`];
    }),
  ];
  await writeFile(join(folder, 'commands'), `${commands.join('\n')}\n`);
  const { stderr } = await here.run(['debugfs', '-w', '-f', join(folder, 'commands'), disk]);
  const faults = stderr.split('\n').filter((line) => line !== '' && !/^debugfs \d/.test(line));
  if (faults.some((line) => !line.includes('exists'))) throw new Error(faults.join('\n'));
  return disk;
}

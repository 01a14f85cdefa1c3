/** What building and running AoE targets need of a host, and the packages that bring it, for each package manager. */
import type { Manager } from './managers.js';

export type Purpose = 'run' | 'build';

export interface Need {
  purpose: Purpose;
  kind: 'command' | 'header' | 'kernel headers';
  /** Of the command; path of the header below a folder of headers. */
  name: string;
  /**
   * A name each; undefined where the manager has none. `KERNEL` stands for the running kernel's release, `FLAVOUR` for its
   * last word and `NUMBER` for what is before that.
   */
  packages: Partial<Record<Manager, string>>;
}

const everywhere = (name: string): Need['packages'] => ({
  apt: name,
  dnf: name,
  zypper: name,
  pacman: name,
  pkg: name,
});
const linux = (name: string): Need['packages'] => ({ apt: name, dnf: name, zypper: name, pacman: name });

export const NEEDS: readonly Need[] = [
  {
    purpose: 'run',
    kind: 'command',
    name: 'ip',
    packages: { apt: 'iproute2', dnf: 'iproute', zypper: 'iproute2', pacman: 'iproute2' },
  },
  {
    purpose: 'run',
    kind: 'command',
    name: 'losetup',
    packages: { apt: 'mount', dnf: 'util-linux', zypper: 'util-linux', pacman: 'util-linux' },
  },
  { purpose: 'run', kind: 'command', name: 'lsblk', packages: linux('util-linux') },
  { purpose: 'run', kind: 'command', name: 'flock', packages: linux('util-linux') },
  { purpose: 'run', kind: 'command', name: 'setsid', packages: linux('util-linux') },
  { purpose: 'run', kind: 'command', name: 'grep', packages: linux('grep') },
  { purpose: 'run', kind: 'command', name: 'stat', packages: linux('coreutils') },
  { purpose: 'run', kind: 'command', name: 'date', packages: linux('coreutils') },
  { purpose: 'run', kind: 'command', name: 'sleep', packages: linux('coreutils') },
  { purpose: 'run', kind: 'command', name: 'tar', packages: everywhere('tar') },
  { purpose: 'run', kind: 'command', name: 'sha256sum', packages: everywhere('coreutils') },
  { purpose: 'build', kind: 'command', name: 'gcc', packages: everywhere('gcc') },
  {
    purpose: 'build',
    kind: 'command',
    name: 'make',
    packages: { ...linux('make'), pkg: 'gmake' },
  },
  { purpose: 'build', kind: 'command', name: 'autoreconf', packages: everywhere('autoconf') },
  { purpose: 'build', kind: 'command', name: 'automake', packages: everywhere('automake') },
  {
    purpose: 'build',
    kind: 'command',
    name: 'pkg-config',
    packages: {
      apt: 'pkg-config',
      dnf: 'pkgconf-pkg-config',
      zypper: 'pkg-config',
      pacman: 'pkgconf',
      pkg: 'pkgconf',
    },
  },
  {
    purpose: 'build',
    kind: 'header',
    name: 'stdio.h',
    packages: { apt: 'libc6-dev', dnf: 'glibc-devel', zypper: 'glibc-devel', pacman: 'glibc' },
  },
  {
    purpose: 'build',
    kind: 'header',
    name: 'libaio.h',
    packages: { apt: 'libaio-dev', dnf: 'libaio-devel', zypper: 'libaio-devel', pacman: 'libaio' },
  },
  {
    purpose: 'build',
    kind: 'header',
    name: 'glib-2.0/glib.h',
    packages: {
      apt: 'libglib2.0-dev',
      dnf: 'glib2-devel',
      zypper: 'glib2-devel',
      pacman: 'glib2',
      pkg: 'glib',
    },
  },
  {
    purpose: 'build',
    kind: 'header',
    name: 'atomic_ops.h',
    packages: {
      apt: 'libatomic-ops-dev',
      dnf: 'libatomic_ops-devel',
      zypper: 'libatomic_ops-devel',
      pacman: 'libatomic_ops',
      pkg: 'libatomic_ops',
    },
  },
  {
    purpose: 'build',
    kind: 'header',
    name: 'blkid/blkid.h',
    packages: {
      apt: 'libblkid-dev',
      dnf: 'libblkid-devel',
      zypper: 'libblkid-devel',
      pacman: 'util-linux-libs',
    },
  },
  {
    purpose: 'build',
    kind: 'kernel headers',
    name: '/lib/modules/KERNEL/build',
    packages: {
      apt: 'linux-headers-KERNEL',
      dnf: 'kernel-devel-KERNEL',
      // Named by what it provides: the release of the package has a count of rebuilds that the kernel's has not.
      zypper: 'kernel-FLAVOUR-devel=NUMBER',
      pacman: 'linux-headers',
    },
  },
];

/** How a need is called. */
export const needName = ({ name }: Need, kernel: string): string => name.replace('KERNEL', kernel);

/** Name of a need's package, for the running kernel; undefined where the manager has none. */
export function packageFor({ packages }: Need, manager: Manager, kernel: string): string | undefined {
  // SUSE's flavour stands last in the release, 6.4.0-150600.23.7-default; Arch's too, 6.6.8-2-lts.
  const flavour = /-([a-z]+)$/.exec(kernel)?.[1];
  const name = packages[manager]
    ?.replace('KERNEL', kernel)
    .replace('FLAVOUR', flavour ?? 'default')
    .replace('NUMBER', flavour === undefined ? kernel : kernel.slice(0, -flavour.length - 1));
  return manager === 'pacman' && name === 'linux-headers' && flavour !== undefined && flavour !== 'arch'
    ? `linux-${flavour}-headers`
    : name;
}

/**
 * Hosts whose packages come by dnf, zypper or pacman: the real programs, from Debian's packages, on an empty database and a
 * repository with a few packages of the test's own.
 */
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MissingError, UnreachableError } from '../../../src/base/errors.js';
import { here } from '../../../src/hosts/host/local.js';
import { fetchDebianPackages } from '../../../src/make/debian/packages.js';
import type { LabHost } from './ssh-lab.js';

export interface PackageSystem {
  manager: 'dnf' | 'zypper' | 'pacman';
  /** Of os-release(5). */
  release: string;
  /** That its kernel says it is. */
  kernel: string;
  /** Names of the packages that bring ip(8), libaio.h and the kernel's headers. */
  ip: string;
  aio: string;
  headers: string;
  debs: readonly string[];
}

const RPM = [
  ...['rpm', 'rpm-common', 'librpm9', 'librpmio9', 'librpmbuild9', 'librpmsign9', 'libpopt0', 'libfsverity0'],
  ...['createrepo-c', 'libcreaterepo-c0', 'libdrpm0', 'libzck1', 'libmodulemd2', 'libmagic1', 'libmagic-mgc'],
  ...['debugedit', 'libarchive13', 'libcurl4', 'libgpgme11', 'libassuan0', 'libsolv1', 'libsolvext1'],
];

export const SYSTEMS: readonly PackageSystem[] = [
  {
    manager: 'dnf',
    release: 'ID=fedora\n',
    kernel: '6.6.8-200.fc39.x86_64',
    ip: 'iproute',
    aio: 'libaio-devel',
    headers: 'kernel-devel-6.6.8-200.fc39.x86_64',
    debs: [
      ...[
        'dnf',
        'dnf-data',
        'python3-dnf',
        'python3-libdnf',
        'python3-hawkey',
        'python3-libcomps',
        'python3-rpm',
      ],
      ...[
        'python3-gpg',
        'libdnf2',
        'libdnf2-common',
        'libcomps0',
        'librepo0',
        'libjson-c5',
        'libpython3.11',
        ...RPM,
      ],
    ],
  },
  {
    manager: 'zypper',
    release: 'ID="opensuse-leap"\nID_LIKE="suse opensuse"\n',
    kernel: '6.4.0-150600.23.7-default',
    ip: 'iproute2',
    aio: 'libaio-devel',
    headers: 'kernel-default-devel=6.4.0-150600.23.7',
    debs: [
      ...['zypper', 'libzypp1722', 'libaugeas0', 'augeas-lenses', 'libproxy1v5', 'libsigc++-2.0-0v5'],
      ...['libyaml-cpp0.7', 'libboost-thread1.74.0', 'libsolv-tools', ...RPM],
    ],
  },
  {
    manager: 'pacman',
    release: 'ID=arch\n',
    kernel: '6.6.8-arch1-1',
    ip: 'iproute2',
    aio: 'libaio',
    headers: 'linux-headers',
    debs: [
      ...['pacman-package-manager', 'libalpm13', 'libarchive13', 'libarchive-tools', 'libcurl4'],
      ...['libgpgme11', 'libassuan0'],
    ],
  },
];

const tree = async ({ debs }: PackageSystem): Promise<string> =>
  (await fetchDebianPackages({ suite: 'bookworm', names: debs })).folder;

/** Undefined, or why there can be no such host here. */
export async function noPackageHost(system: PackageSystem): Promise<string | undefined> {
  try {
    const usr = join(await tree(system), 'usr');
    const env = {
      LD_LIBRARY_PATH: join(usr, 'lib/x86_64-linux-gnu'),
      PYTHONPATH: join(usr, 'lib/python3/dist-packages'),
      RPM_CONFIGDIR: join(usr, 'lib/rpm'),
    };
    const { exitCode } = await here.run([join(usr, 'bin', system.manager), '--version'], {
      env,
      accept: Array.from({ length: 255 }, (_, index) => index + 1),
    });
    return exitCode === 0 ? undefined : `Debian 12's ${system.manager} does not run here`;
  } catch (error) {
    if (!(error instanceof UnreachableError || error instanceof MissingError)) throw error;
    return `no ${system.manager} can be had: ${error.facts.happened}`;
  }
}

interface TestPackage {
  name: string;
  /** With a release: `1-1`. */
  version: string;
  needs?: string[];
  provides?: string[];
  files?: string[];
}

/** Where a host keeps the packages of its repository, and those that are not in it yet. */
const REPOSITORY = '/srv/repository';
const ASIDE = '/srv/aside';

const AIO_RUNTIME = { name: 'aio-runtime', version: '1-1' };

/** What is in the repository from the start: headers for a newer kernel than the host's alone. */
function offered({ ip, aio, manager }: PackageSystem): TestPackage[] {
  return [
    { name: ip, version: '1-1', files: ['/usr/bin/ip'] },
    { name: aio, version: '1-1', needs: ['aio-runtime >= 2', 'aio-extra'], files: ['/usr/include/libaio.h'] },
    { ...AIO_RUNTIME, version: '2-1' },
    { name: 'aio-extra', version: '1-1' },
    { name: 'foreign', version: '1-1' },
    ...{
      dnf: [{ name: 'kernel-devel', version: '6.6.9-200.fc39' }],
      zypper: [{ name: 'kernel-default-devel', version: '6.4.0-150600.23.8.1' }],
      pacman: [],
    }[manager],
  ];
}

/** What is kept aside. */
function others({ kernel, manager }: PackageSystem): TestPackage[] {
  const files = [`/usr/lib/modules/${kernel}/build/Makefile`];
  return [
    AIO_RUNTIME,
    ...{
      dnf: [{ name: 'kernel-devel', version: '6.6.8-200.fc39', files }],
      zypper: [
        {
          name: 'kernel-default-devel',
          version: '6.4.0-150600.23.7.3',
          // As SUSE's have; the last has zypper end with an exit code of its own.
          provides: ['kernel-default-devel = 6.4.0-150600.23.7', 'installhint(reboot-needed)'],
          files,
        },
      ],
      pacman: [
        {
          name: 'linux-headers',
          version: '6.7.1-1',
          files: ['/usr/lib/modules/6.7.1-arch1-1/build/Makefile'],
        },
      ],
    }[manager],
  ];
}

/** Commands that make files of packages: all are empty but ip, which leads to where the host's own was put. */
const fill = (root: string, files: readonly string[]): string =>
  files
    .map((path) =>
      path === '/usr/bin/ip'
        ? `mkdir -p ${root}/usr/bin && ln -s ../libexec/ip ${root}/usr/bin/ip`
        : `mkdir -p ${root}${path.slice(0, path.lastIndexOf('/'))} && touch ${root}${path}`,
    )
    .join('\n');

function rpmSpec({ name, version, needs = [], provides = [], files = [] }: TestPackage): string {
  return [
    ...[
      `Name: ${name}`,
      `Version: ${version.split('-')[0]}`,
      `Release: ${version.split('-').slice(1).join('-')}`,
    ],
    ...['Summary: test', 'License: MIT', 'AutoReqProv: no'],
    ...needs.map((need) => `Requires: ${need}`),
    ...provides.map((what) => `Provides: ${what}`),
    ...['%description', '%install', fill('%{buildroot}', files), '%files', ...files, ''],
  ].join('\n');
}

/** What pacman reads in a package, and the description of it in a repository. */
function archFiles({ name, version, needs = [] }: TestPackage): { info: string; description: string } {
  const depends = needs.map((need) => need.replaceAll(' ', ''));
  return {
    info: [
      ...[`pkgname = ${name}`, `pkgver = ${version}`, 'pkgdesc = test', 'arch = any', 'size = 0'],
      ...depends.map((need) => `depend = ${need}`),
    ].join('\n'),
    description: Object.entries({
      ...{ FILENAME: `${name}-${version}.pkg.tar`, NAME: name, VERSION: version, DESC: 'test', ARCH: 'any' },
      ...{ CSIZE: '0', ISIZE: '0', ...(depends.length > 0 && { DEPENDS: depends.join('\n') }) },
    })
      .map(([key, value]) => `%${key}%\n${value}\n`)
      .join('\n'),
  };
}

const BUILD_RPM = `rpmbuild -bb --quiet --define 'debug_package %{nil}' --define '_rpmdir .' --define '_topdir /tmp/rpm' \
--define '_build_name_fmt %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm' *.spec`;

/** Commands that make packages in a folder. */
function build({ manager }: PackageSystem, folder: string, packages: readonly TestPackage[]): string {
  const isRpm = manager !== 'pacman';
  const lines = packages.map((one) => {
    if (isRpm) return `cat > ${one.name}.spec <<'END'\n${rpmSpec(one)}END`;
    const { name, version, files = [] } = one;
    const { info, description } = archFiles(one);
    return `mkdir -p tree/${name} db/${name}-${version}
cat > tree/${name}/.PKGINFO <<'END'\n${info}\nEND
cat > db/${name}-${version}/desc <<'END'\n${description}\nEND
${fill(`tree/${name}`, files)}
(cd tree/${name} && bsdtar -cf ../../${name}-${version}.pkg.tar $(ls -A))`;
  });
  return [`mkdir -p ${folder} && cd ${folder}`, ...lines, ...(isRpm ? [BUILD_RPM] : [])].join('\n');
}

/** Commands that have a host's repository hold what lies in its folder. */
function index({ manager }: PackageSystem): string {
  const command =
    manager === 'pacman'
      ? '(cd db && bsdtar -czf ../test.db *) && pacman --sync --refresh'
      : 'createrepo_c --quiet --no-database .';
  return `cd ${REPOSITORY} && ${command}`;
}

/** Commands that offer packages on a host, have an old one installed, and take away what they are to bring. */
export function set(system: PackageSystem): string {
  const install = system.manager === 'pacman' ? 'pacman --upgrade --noconfirm' : 'rpm --install';
  return [
    'set -e',
    build(system, REPOSITORY, offered(system)),
    build(system, ASIDE, others(system)),
    index(system),
    `${install} ${ASIDE}/aio-runtime*.[pr]*`,
    'mv /usr/bin/ip /usr/libexec/ip',
    `rm -rf /bin/ip /sbin/ip /usr/include/libaio.h /lib/modules/${system.kernel}`,
  ].join('\n');
}

/** A command that has somebody else install the package `foreign`. */
export const installForeign = ({ manager }: PackageSystem): string =>
  ({
    dnf: 'dnf --assumeyes install',
    zypper: 'zypper --non-interactive install --repo test',
    pacman: 'pacman --sync --noconfirm',
  })[manager].concat(' foreign');

/** Commands that put the headers that were kept aside into the repository. */
export function offerHeaders(system: PackageSystem): string {
  const moves =
    system.manager === 'pacman'
      ? `mv *headers*.tar ${REPOSITORY} && mv db/*headers* ${REPOSITORY}/db`
      : `mv kernel-*.rpm ${REPOSITORY}`;
  return `cd ${ASIDE} && ${moves} && ${index(system)}`;
}

const YUM = `[test]\nname=test\nbaseurl=file://${REPOSITORY}\nenabled=1\ngpgcheck=0\n`;
const PACMAN = `[options]\nArchitecture = auto\nSigLevel = Never\n[test]\nServer = file://${REPOSITORY}\n`;

/** Puts the system's programs and configuration on a host that is down. */
export async function furnish(host: LabHost, system: PackageSystem): Promise<void> {
  await cp(await tree(system), host.upper, { recursive: true, verbatimSymlinks: true });
  const uname = `#!/bin/sh\nif [ "$*" = -r ]; then echo ${system.kernel}; else exec /usr/bin/uname "$@"; fi\n`;
  const files: Record<string, string> = {
    'etc/os-release': system.release,
    'usr/local/bin/uname': uname,
    // Debian's rpm keeps its database with the user's files, so that nobody takes it for the system's manager.
    'etc/rpm/macros': '%_dbpath /var/lib/rpm\n',
    'etc/yum.repos.d/test.repo': YUM,
    'etc/zypp/repos.d/test.repo': YUM,
    // Is not there: what the other one has is to come all the same.
    'etc/zypp/repos.d/dead.repo': YUM.replaceAll('test', 'dead').replace(REPOSITORY, '/srv/dead'),
    'etc/pacman.conf': PACMAN,
  };
  for (const [path, text] of Object.entries(files)) {
    const file = join(host.upper, path);
    await mkdir(join(file, '..'), { recursive: true });
    await writeFile(file, text, { mode: 0o755 });
  }
}

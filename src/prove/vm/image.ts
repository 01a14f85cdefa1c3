/** The first root of guests, made of Debian packages; kept in the store (`vm/`), named by what it was made from. */
import { readdir, readFile, realpath } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { digestOf } from '../../base/digest.js';
import { cacheFolder } from '../../base/files/paths.js';
import { here } from '../../hosts/host/local.js';
import {
  type DebianPackages,
  type FetchPackagesOptions,
  fetchDebianPackages,
} from '../../make/debian/packages.js';
import { keep } from '../../make/store/keep.js';
import { type CpioEntry, cpio, file, link } from './cpio.js';
import { commonFiles, MODULES_FILE } from './init.js';
import type { GuestKernel } from './kernel.js';
import { librariesOf } from './libraries.js';
import { modulesFor } from './modules.js';

/** Where guests' programs come from, whatever their kernel. */
const SUITE = 'bookworm';
const PACKAGES = ['busybox-static', 'dropbear-bin', 'e2fsprogs', 'aoetools'];
const PROGRAMS = /^(?:aoe.*|mke2fs|mkfs\.ext4|e2fsck|fsck\.ext4|dumpe2fs|tune2fs|resize2fs|dropbear)$/;

/** Raised when what is made of the same packages changes. */
const EDITION = 6;

/** Path of the archive with the programs of every guest. */
export async function baseImage(options: FetchPackagesOptions): Promise<string> {
  const packages = await fetchDebianPackages({ suite: SUITE, names: PACKAGES, dependencies: true }, options);
  return kept(['base', packages.digest], async () => [
    ...(await busybox(packages)),
    ...(await programs(packages, ['sbin', 'usr/sbin'], PROGRAMS)),
    file('etc/mke2fs.conf', await readFile(join(packages.folder, 'etc/mke2fs.conf'))),
    ...commonFiles(),
  ]);
}

/** Path of the archive with fio, whose libraries are some 70 MB: for guests that are to run it. */
export async function fioImage(options: FetchPackagesOptions): Promise<string> {
  const packages = await fetchDebianPackages({ suite: SUITE, names: ['fio'], dependencies: true }, options);
  return kept(['fio', packages.digest], () => programs(packages, ['usr/bin'], /^fio$/));
}

/**
 * Path of the archive with what a host of exports has to have and busybox lacks: ip(8) with JSON, find, grep and the
 * programs for block devices. They come before busybox's, in whichever order folders are searched, and for a shell that
 * looks for them: busybox's own shell, env and setsid would take what busybox has.
 */
export async function hostImage(options: FetchPackagesOptions): Promise<string> {
  const names = ['iproute2', 'findutils', 'grep', 'util-linux', 'mount', 'dash', 'coreutils'];
  const packages = await fetchDebianPackages({ suite: SUITE, names, dependencies: true }, options);
  const wanted = /^(?:ip|find|grep|losetup|lsblk|blockdev|realpath|truncate|flock|setsid|dash|env)$/;
  return kept(['host', packages.digest], async () => {
    const entries = await programs(packages, ['bin', 'sbin', 'usr/bin', 'usr/sbin'], wanted);
    const moved = entries.flatMap((entry) => {
      const name = basename(entry.path);
      if (!wanted.test(name)) return [entry];
      return [{ ...entry, path: `usr/sbin/${name}` }, link(`sbin/${name}`, `/usr/sbin/${name}`)];
    });
    return [...moved, link('bin/sh', '/usr/sbin/dash')];
  });
}

/** Path of the archive with a kernel's modules, and the names of those to load at boot, in their order. */
export async function modulesImage(kernel: GuestKernel, extra: readonly string[]): Promise<string> {
  const modules = await modulesFor(kernel, extra);
  const key = modules.map(({ name, data }) => `${name} ${digestOf(data)}`);
  const atBoot = modules.filter(({ loaded }) => loaded).map(({ name }) => name);
  return kept(['modules', ...atBoot, ...key], async () => [
    ...modules.map(({ name, data }) => file(`lib/modules/${name}.ko`, data)),
    file(MODULES_FILE, atBoot.join('\n')),
  ]);
}

async function kept(key: readonly string[], make: () => Promise<CpioEntry[]>): Promise<string> {
  const path = join(cacheFolder(), 'vm', `${digestOf(JSON.stringify([EDITION, commonKey(), ...key]))}.cpio`);
  return keep(path, async (at) => here.write(at, cpio(await make())));
}

function commonKey(): string {
  return digestOf(cpio(commonFiles()));
}

async function busybox({ folder }: DebianPackages): Promise<CpioEntry[]> {
  const program = join(folder, 'bin/busybox');
  const { stdout } = await here.run([program, '--list-full']);
  const applets = stdout.split('\n').filter((path) => path !== '' && basename(path) !== 'busybox');
  return [
    ...applets.map((path) => link(path, '/bin/busybox')),
    file('bin/busybox', await readFile(program), 0o755),
  ];
}

/** Programs of some names, with the libraries they load; links and scripts as they are. */
async function programs(
  { folder }: DebianPackages,
  places: readonly string[],
  names: RegExp,
): Promise<CpioEntry[]> {
  const entries: CpioEntry[] = [];
  const binaries: string[] = [];
  for (const place of places) {
    for (const name of (await readdir(join(folder, place))).filter((one) => names.test(one))) {
      const path = `${place}/${name}`;
      const data = await readFile(await realpath(join(folder, path)));
      entries.push(file(path, data, 0o755));
      if (data.subarray(0, 4).equals(Buffer.from('\x7fELF', 'latin1'))) binaries.push(path);
    }
  }
  return [...entries, ...(await librariesOf(folder, binaries))];
}

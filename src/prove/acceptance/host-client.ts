/**
 * The Linux aoe driver of a host over SSH as the client. Its kernel is everybody's there: only one that is known to survive
 * what the tests do is taken, and a driver that somebody uses is left alone.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { MissingError, UsageError } from '../../base/errors.js';
import type { Host } from '../../hosts/host/host.js';
import { compareVersions } from '../../make/patch/condition.js';
import { DEAD_SECONDS } from './context.js';
import { needsFio } from './prepare.js';
import type { TestName } from './record.js';
import { MOUNT } from './volume.js';

/**
 * From the first to before the second: Linux that gives up a silent device outside of its timer (see known.ts). 6.1 and 6.12
 * by Debian's changelogs of linux 6.1.147-1 and 6.12.37-1.
 */
const MENDED: readonly [string, string][] = [
  ['6.1.147', '6.2'],
  ['6.12.37', '6.13'],
  ['6.16', '1000'],
];

/** Program → Debian's package of it. */
const PROGRAMS: Readonly<Record<string, string>> = {
  modprobe: 'kmod',
  rmmod: 'kmod',
  'mkfs.ext4': 'e2fsprogs',
  e2fsck: 'e2fsprogs',
  mount: 'mount',
  umount: 'mount',
  dmesg: 'util-linux',
  sha256sum: 'coreutils',
};

/** Whether a kernel survives that its aoe driver gives a device up. @param version of Linux, such as `6.1.192` */
export function survivesLoss(version: string): boolean {
  return MENDED.some(
    ([from, before]) => compareVersions(version, from) >= 0 && compareVersions(version, before) < 0,
  );
}

/** Debian's `uname -r` tells the ABI; what Linux it is, `uname -v` does: "#1 SMP … Debian 6.1.192-2 (2026-11-16)". */
export function linuxVersion(release: string, build: string): string {
  return /\bDebian (\d[\d.]*)/.exec(build)?.[1] ?? release;
}

/**
 * @throws UsageError if its kernel is not known to survive the tests, or its aoe driver or /mnt/aoe is in use
 * @throws MissingError if a program or the aoe driver is not there
 */
export async function requireHostClient(host: Host, tests: readonly TestName[]): Promise<void> {
  const tried = `taking ${host.name} for the client`;
  const [release = '', build = ''] = (await host.run(['uname', '-rv'])).stdout.split(/ (.*)/s);
  const version = linuxVersion(release, build);
  if (!survivesLoss(version)) {
    throw new UsageError({
      tried,
      happened: `Linux ${version} runs there, whose aoe driver may bring the kernel down when a device is given up`,
      next: 'take a host with Linux 6.16 or later (Debian: 6.1.147, 6.12.37), or --initiator vm',
    });
  }
  const wanted: Record<string, string> = { ...PROGRAMS, ...(needsFio(tests) ? { fio: 'fio' } : {}) };
  const script = 'for name; do command -v "$name" > /dev/null || echo "$name"; done';
  const { stdout } = await host.run(['sh', '-c', script, 'sh', ...Object.keys(wanted)]);
  const missing = stdout.split('\n').filter((name) => name !== '');
  if (missing.length > 0) {
    const packages = [...new Set(missing.map((name) => wanted[name]))].join(' ');
    throw new MissingError({
      tried,
      happened: `it has no ${missing.join(', ')}`,
      next: `apt-get install --no-install-recommends ${packages}, there`,
      missing,
    });
  }
  await requireDriver(host, release, tried);
  const mounts = (await host.read('/proc/mounts')).toString();
  const isLoaded = (await host.stat('/sys/module/aoe')) !== undefined;
  const isMounted = mounts.split('\n').some((line) => line.split(' ')[1] === MOUNT);
  if (!isLoaded && !isMounted) return;
  throw new UsageError({
    tried,
    happened: isLoaded
      ? 'its aoe driver is loaded, and may be in use'
      : `something is mounted at ${MOUNT}, which the tests mount at`,
    next: `end what uses it (umount ${MOUNT}; rmmod aoe), or take another host`,
  });
}

/** modprobe knows of modules by these lists: `kernel/drivers/block/aoe/aoe.ko.xz: …` (modules.dep(5)). */
async function requireDriver(host: Host, release: string, tried: string): Promise<void> {
  const lists = ['modules.dep', 'modules.builtin'].map((name) => `/lib/modules/${release}/${name}`);
  // A list that is not there lists nothing: modprobe finds nothing without it either.
  const texts = await Promise.all(lists.map((path) => host.read(path).catch(() => '')));
  if (texts.some((text) => /^(\S*\/)?aoe\.ko(\.\w+)?(:|$)/m.test(text.toString()))) return;
  throw new MissingError({
    tried,
    happened: `Linux ${release} has no aoe driver there: ${lists[0]} names none`,
    next: [
      'install the package with the rest of its modules (linux-modules-extra on Ubuntu, kernel-modules-extra on Fedora)',
      'or take another client: --initiator vm, --initiator here',
    ],
    missing: ['aoe driver'],
  });
}

/** Loads the driver for one interface. @returns how to unload it, with whatever the tests left mounted */
export async function loadDriver(host: Host, iface: string): Promise<() => Promise<void>> {
  await host.run(['modprobe', 'aoe', `aoe_deadsecs=${DEAD_SECONDS}`, `aoe_iflist=${iface}`]);
  return async () => {
    await host.run(['umount', '-l', MOUNT], { accept: [1, 32] });
    await host.run(['rmdir', MOUNT], { accept: [1] });
    // Its last user may be on the way out.
    for (let tries = 0; ; tries++) {
      const { exitCode } = await host.run(['rmmod', 'aoe'], tries < TRIES ? { accept: [1] } : {});
      if (exitCode === 0) return;
      await sleep(500);
    }
  };
}
const TRIES = 20;

/** Whether a machine can do what aoe-lab does there, and what would have to be installed. */

import { MissingError } from '../../base/errors.js';
import type { Host } from '../../hosts/host/host.js';
import { type Manager, managerOn } from '../../hosts/prepare/managers.js';
import { NEEDS, packageFor } from '../../hosts/prepare/needs.js';
import { missingOn } from '../../make/compile/elsewhere.js';
import { type Missing, missingFor, nameOf } from '../../make/compile/requirements.js';
import { select } from '../../make/recipe/load.js';
import type { Recipe, Requirement } from '../../make/recipe/schema.js';
import type { Check } from './check.js';
import { closedExports } from './closed-exports.js';

export type Purpose = 'use' | 'demo' | 'test';

export interface Diagnosis {
  checks: Check[];
  missing: Missing[];
  /** How packages come there; undefined if aoe-lab knows none of its package managers. */
  manager: Manager | undefined;
  /** Packages that bring what is missing, by the manager's names, as far as they are known. */
  packages: string[];
}

/** Programs that exporting and the private wire need. */
const SYSTEM: readonly Requirement[] = [
  { command: 'ip', debian: 'iproute2' },
  { command: 'losetup', debian: 'mount' },
  { command: 'lsblk', debian: 'util-linux' },
  { command: 'flock', debian: 'util-linux' },
];

/** Programs that tests hold results against, and that bring sources. */
const TESTING: readonly Requirement[] = [
  { command: 'git', debian: 'git' },
  { command: 'svn', debian: 'subversion' },
  { command: 'svnadmin', debian: 'subversion' },
  { command: 'tshark', debian: 'tshark' },
  { command: 'aoeping', debian: 'aoetools' },
  { command: 'nmap', debian: 'nmap' },
  { command: 'xz', debian: 'xz-utils' },
  { command: 'bzip2', debian: 'bzip2' },
  { command: 'zstd', debian: 'zstd' },
  { command: 'qemu-system-x86_64', debian: 'qemu-system-x86' },
  { command: 'sshd', debian: 'openssh-server' },
  { command: 'ssh-keygen', debian: 'openssh-client' },
  { command: 'cpio', debian: 'cpio' },
  { command: 'bwrap', debian: 'bubblewrap' },
  { command: 'ansible-playbook', debian: 'ansible-core' },
  { command: 'ansible-lint', debian: 'ansible-lint' },
  { command: 'busybox', debian: 'busybox' },
  { command: 'fish', debian: 'fish' },
  { command: 'tcsh', debian: 'tcsh' },
  { command: 'tmux', debian: 'tmux' },
  { command: 'setcap', debian: 'libcap2-bin' },
];

export interface DiagnoseOptions {
  implementation?: string | undefined;
  /** Targets come there built, so that nothing to build with is needed. */
  comesBuilt?: boolean;
  /** What a survey has found, so that it is not looked for. */
  known?: { manager: Manager | undefined };
}

/** Looks, and asks its exports for use over the wire; changes nothing, and starts nothing on this machine. */
export async function diagnose(
  host: Host,
  recipes: readonly Recipe[],
  purpose: Purpose,
  { implementation, comesBuilt = false, known }: DiagnoseOptions = {},
): Promise<Diagnosis> {
  const wanted = recipes.filter(
    (recipe) =>
      select(recipe).release.unavailable === undefined &&
      (purpose === 'demo' ? recipe.name === (implementation ?? 'vblade') : true),
  );
  const targets = wanted.map((recipe) => {
    const { build, control } = select(recipe);
    return { name: recipe.name, build: comesBuilt ? [] : build.requires, run: control.requires ?? [] };
  });
  const missing = await lacking(host, [
    ...SYSTEM,
    ...(purpose === 'test' ? TESTING : []),
    ...targets.flatMap(({ build, run }) => [...build, ...run]),
  ]);
  const [{ system, uid, kernel }, { manager }, hasNamespaces, hasLoops, closed] = await Promise.all([
    host.facts(),
    known ?? managerOn(host).then((found) => ({ manager: found })),
    isThere(host, '/proc/self/ns/net'),
    isThere(host, '/dev/loop-control'),
    purpose === 'use' ? closedExports(host) : [],
  ]);
  return {
    checks: [
      { name: 'Linux', fine: system === 'Linux', detail: system },
      {
        name: 'root',
        fine: uid === 0,
        detail:
          uid === 0
            ? 'yes'
            : 'no: exporting and packet sockets need it; the demo can do without where user namespaces are allowed',
      },
      {
        name: 'network namespaces',
        fine: hasNamespaces,
        detail: hasNamespaces ? 'yes' : 'this kernel has none',
      },
      {
        name: 'loop devices',
        fine: hasLoops,
        detail: hasLoops ? 'yes' : 'no /dev/loop-control: modprobe loop',
      },
      ...targets.map(({ name, build, run }) => {
        const needs = comesBuilt ? run : build;
        const found = missing.filter((one) => needs.some((need) => isSame(nameOf(need), one)));
        return {
          name: comesBuilt ? name : `build of ${name}`,
          fine: found.length === 0,
          detail:
            found.length > 0
              ? `needs ${found.map((one) => one.name).join(', ')}`
              : comesBuilt
                ? 'comes built'
                : 'all there',
        };
      }),
      ...closed,
    ],
    missing,
    manager,
    packages: packagesFor(missing, manager, kernel),
  };
}

/** Packages that bring what is missing, by the manager's names; what it has no known package for is left out. */
export function packagesFor(
  missing: readonly Missing[],
  manager: Manager | undefined,
  kernel: string,
): string[] {
  const nameFor = (one: Missing): string | undefined => {
    if (manager === undefined || manager === 'apt') return manager && one.debian;
    const need = NEEDS.find((other) => isSame(other, one));
    return need && packageFor(need, manager, kernel);
  };
  return [...new Set(missing.flatMap((one) => nameFor(one) ?? []))].sort();
}

async function lacking(host: Host, requires: readonly Requirement[]): Promise<Missing[]> {
  return host.isHere ? missingFor(requires) : missingOn(host, requires);
}

async function isThere(host: Host, path: string): Promise<boolean> {
  return (await host.stat(path)) !== undefined;
}

function isSame(a: { kind: string; name: string }, b: { kind: string; name: string }): boolean {
  return a.kind === b.kind && a.name === b.name;
}

/**
 * Installs Debian packages, for good.
 * @throws MissingError if this is not root
 */
export async function installPackages(host: Host, packages: readonly string[]): Promise<void> {
  const command = `apt-get install --no-install-recommends ${packages.join(' ')}`;
  const tried = `installing ${packages.join(', ')}`;
  if ((await host.facts()).uid !== 0) {
    throw new MissingError({
      tried,
      happened: 'this needs root',
      next: `sudo ${command}`,
      missing: packages,
    });
  }
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  const timeout = 600_000;
  await host.run(['apt-get', 'update', '--quiet'], { env, timeout });
  await host.run(['apt-get', 'install', '--yes', '--quiet', '--no-install-recommends', ...packages], {
    env,
    timeout,
  });
}

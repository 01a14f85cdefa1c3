/** Whether this machine can do what aoe-lab does, and what would have to be installed. */
import { existsSync } from 'node:fs';
import { type Missing, missingFor } from '../build/requirements.js';
import { MissingError } from '../errors.js';
import type { Host } from '../host/host.js';
import { effective, findRelease } from '../recipe/load.js';
import type { Recipe, Requirement } from '../recipe/schema.js';

export type Purpose = 'use' | 'demo' | 'test';

export interface Diagnosis {
  /** What is looked at, and whether it is as it should be. */
  checks: { name: string; fine: boolean; detail: string }[];
  missing: Missing[];
  /** Debian packages that bring what is missing. */
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
];

/** Looks at files and permissions only; starts nothing. */
export function diagnose(recipes: readonly Recipe[], purpose: Purpose, implementation?: string): Diagnosis {
  const wanted = recipes.filter(
    (recipe) =>
      findRelease(recipe).unavailable === undefined &&
      (purpose === 'demo' ? recipe.name === (implementation ?? 'vblade') : true),
  );
  const requires = [...SYSTEM, ...(purpose === 'test' ? TESTING : [])];
  for (const recipe of wanted) {
    const { build, control } = effective(recipe, findRelease(recipe));
    requires.push(...build.requires, ...(control.requires ?? []));
  }
  const missing = missingFor(requires);
  const root = process.getuid?.() === 0;
  return {
    checks: [
      {
        name: 'Linux',
        fine: process.platform === 'linux',
        detail: process.platform,
      },
      {
        name: 'root',
        fine: root,
        detail: root
          ? 'yes'
          : 'no: exporting and packet sockets need it; the demo can do without where user namespaces are allowed',
      },
      {
        name: 'network namespaces',
        fine: existsSync('/proc/self/ns/net'),
        detail: existsSync('/proc/self/ns/net') ? 'yes' : 'this kernel has none',
      },
      {
        name: 'loop devices',
        fine: existsSync('/dev/loop-control'),
        detail: existsSync('/dev/loop-control') ? 'yes' : 'no /dev/loop-control: modprobe loop',
      },
      ...wanted.map((recipe) => {
        const { build } = effective(recipe, findRelease(recipe));
        const lacking = missingFor(build.requires);
        return {
          name: `build of ${recipe.name}`,
          fine: lacking.length === 0,
          detail: lacking.length === 0 ? 'all there' : `needs ${lacking.map(({ name }) => name).join(', ')}`,
        };
      }),
    ],
    missing,
    packages: [...new Set(missing.map(({ debian }) => debian))].sort(),
  };
}

/**
 * Installs Debian packages.
 * @throws MissingError if this is not root, or no Debian
 */
export async function installPackages(host: Host, packages: readonly string[]): Promise<void> {
  const command = `apt-get install --no-install-recommends ${packages.join(' ')}`;
  const tried = `installing ${packages.join(', ')}`;
  if (!existsSync('/usr/bin/apt-get')) {
    throw new MissingError({
      tried,
      happened: 'this is no Debian: there is no apt-get',
      next: 'install what these Debian packages hold by your own package manager',
      missing: packages,
    });
  }
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

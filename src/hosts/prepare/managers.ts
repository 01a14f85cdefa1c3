/** Package managers: which one a host has, and their commands. */
import type { Host } from '../host/host.js';

export const MANAGERS = ['apt', 'dnf', 'zypper', 'pacman', 'pkg'] as const;
export type Manager = (typeof MANAGERS)[number];

/** What each is made of. */
const PROGRAMS: Readonly<Record<Manager, readonly string[]>> = {
  // ALT Linux has an apt-get for RPM packages.
  apt: ['apt-get', 'dpkg'],
  dnf: ['dnf', 'rpm'],
  zypper: ['zypper', 'rpm'],
  pacman: ['pacman'],
  pkg: ['pkg'],
};
export const MANAGER_PROGRAMS: readonly string[] = [...new Set(Object.values(PROGRAMS).flat())];

/** Words of ID and ID_LIKE in os-release(5), and whose packages such a system is made of. */
const FAMILIES: Readonly<Record<string, Manager>> = {
  debian: 'apt',
  ubuntu: 'apt',
  fedora: 'dnf',
  rhel: 'dnf',
  centos: 'dnf',
  suse: 'zypper',
  opensuse: 'zypper',
  arch: 'pacman',
  freebsd: 'pkg',
};

/**
 * The manager that a system's packages come by. Others may lie beside it, with which one makes foreign roots and packages:
 * only where the system's family is not known does the first that is there count.
 * @param words of ID and ID_LIKE in os-release(5), in this order
 * @param programs those of `MANAGER_PROGRAMS` that are there
 */
export function managerOf(words: readonly string[], programs: readonly string[]): Manager | undefined {
  const isThere = (manager: Manager): boolean =>
    PROGRAMS[manager].every((program) => programs.includes(program));
  const family = words.flatMap((word) => FAMILIES[word] ?? [])[0];
  if (family !== undefined) return isThere(family) ? family : undefined;
  return MANAGERS.find(isThere);
}

/** Of a file as os-release(5); empty if the key is not there. */
export function releaseValue(text: string, key: string): string {
  const found = new RegExp(`^${key}=(?:"(.*)"|'(.*)'|(.*))$`, 'm').exec(text) ?? [];
  return found.slice(1).find((value) => value !== undefined) ?? '';
}

/** For `managerOf`, from os-release(5): what the system is, then what it is made from, the nearest first. */
export function familyWords(text: string): string[] {
  return [releaseValue(text, 'ID'), ...releaseValue(text, 'ID_LIKE').split(' ')];
}

/** The manager of a host, found by looking for files alone. */
export async function managerOn(host: Host): Promise<Manager | undefined> {
  const isThere = async (program: string): Promise<boolean> => {
    const places = ['/usr/bin', '/usr/sbin', '/usr/local/sbin'].map((folder) => `${folder}/${program}`);
    return (await Promise.all(places.map((path) => host.stat(path)))).some((facts) => facts !== undefined);
  };
  const found = await Promise.all(MANAGER_PROGRAMS.map(isThere));
  const release = await host.read('/etc/os-release').catch(() => '');
  return managerOf(
    familyWords(release.toString()),
    MANAGER_PROGRAMS.filter((_, index) => found[index]),
  );
}

interface ManagerCommands {
  /** Before anything is installed. */
  refresh: readonly string[] | undefined;
  install(packages: readonly string[]): string[];
  /** What a person types before the packages' names. */
  byHand: string;
  /** Exit codes that say something, but not that nothing was installed. */
  accept: readonly number[];
  /** Refuses packages that others have come to need. */
  remove(packages: readonly string[]): string[];
  /** Prints all packages that are there, a line each. */
  list: readonly string[];
  /** Of what `list` prints, the part that stays when a package is upgraded. */
  plainName(entry: string): string;
  /** What to do where a package can't be had. */
  next: string;
}

const LOOK = 'look at its package lists, or install by hand what it lacks';

const RPM = {
  // Of those named without a version, several may be there.
  remove: (packages: readonly string[]) => ['rpm', '--erase', '--allmatches', ...packages],
  list: ['rpm', '--query', '--all', '--queryformat', '%{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}\\n'],
  plainName: (entry: string) => entry.replace(/-[^-]+-[^-]+(?=\.[^.]+$)/, ''),
  next: LOOK,
};

export const COMMANDS: Readonly<Record<Manager, ManagerCommands>> = {
  apt: {
    refresh: ['apt-get', 'update', '--quiet'],
    install: (packages) => [
      ...['env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', 'install', '--yes', '--quiet'],
      ...['--no-install-recommends', ...packages],
    ],
    byHand: 'apt-get install --no-install-recommends',
    accept: [],
    remove: (packages) => ['env', 'DEBIAN_FRONTEND=noninteractive', 'dpkg', '--purge', ...packages],
    list: ['dpkg', '--get-selections'],
    plainName: (entry) => entry,
    next: LOOK,
  },
  dnf: {
    // Lists may be two days old otherwise, and mirrors have dropped what they name.
    refresh: ['dnf', 'makecache', '--refresh', '--quiet'],
    install: (packages) => ['dnf', 'install', '--assumeyes', '--setopt=install_weak_deps=False', ...packages],
    byHand: 'dnf install',
    accept: [],
    ...RPM,
  },
  zypper: {
    refresh: ['zypper', '--non-interactive', 'refresh'],
    install: (packages) => ['zypper', '--non-interactive', 'install', '--no-recommends', ...packages],
    byHand: 'zypper install --no-recommends',
    // zypper(8): reboot needed, restart of zypper needed, a repository was left out, a package's script failed.
    accept: [102, 103, 106, 107],
    ...RPM,
  },
  pacman: {
    // New lists on an old system bring programs that want newer libraries than it has: that is for its owner to do.
    refresh: undefined,
    install: (packages) => ['pacman', '--sync', '--noconfirm', '--needed', ...packages],
    byHand: 'pacman --sync --needed',
    accept: [],
    remove: (packages) => ['pacman', '--remove', '--noconfirm', '--nosave', ...packages],
    list: ['pacman', '--query', '--quiet'],
    plainName: (entry) => entry,
    next: 'packages are taken from its lists as they are: bring it up to date by `pacman -Syu`, then run this again',
  },
  pkg: {
    refresh: ['pkg', 'update'],
    install: (packages) => ['pkg', 'install', '--yes', ...packages],
    byHand: 'pkg install',
    accept: [],
    remove: (packages) => ['pkg', 'delete', '--yes', ...packages],
    list: ['pkg', 'query', '%n'],
    plainName: (entry) => entry,
    next: LOOK,
  },
};

/** Packages in what a manager's `list` printed: the first word of a line, unless dpkg says that it is not there any more. */
export function packagesIn(listing: string): string[] {
  return listing.split('\n').flatMap((line) => {
    const [name = '', status] = line.trim().split(/\s+/);
    // rpm lists the keys it trusts among the packages; they have no architecture.
    const isPackage = name !== '' && !name.endsWith('.(none)');
    return isPackage && (status === undefined || status === 'install') ? [name] : [];
  });
}

/**
 * What was not there before, by plain names: they stay when it is upgraded. What was upgraded on the way did not come, but
 * a further version beside an older one did (rpm's kernels), and is named with its version.
 * @param before what `list` gave before, and `after` what it gave afterwards
 */
export function cameIn(manager: Manager, before: readonly string[], after: readonly string[]): string[] {
  const { plainName } = COMMANDS[manager];
  const [old, now] = [new Set(before), new Set(after)];
  const oldNames = new Set(before.map(plainName));
  const replaced = new Set(before.filter((entry) => !now.has(entry)).map(plainName));
  const came = after
    .filter((entry) => !old.has(entry))
    .flatMap((entry) => {
      const name = plainName(entry);
      if (!oldNames.has(name)) return [name];
      return replaced.has(name) ? [] : [entry];
    });
  return [...new Set(came)];
}

/** Those of what came in that are still there. */
export function stillThere(manager: Manager, came: readonly string[], now: readonly string[]): string[] {
  const names = new Set([...now, ...now.map(COMMANDS[manager].plainName)]);
  return came.filter((name) => names.has(name));
}

/** Whether what came in is one of the packages that were asked for, rather than one they need, or somebody else's. */
export function isAsked(manager: Manager, came: string, asked: readonly string[]): boolean {
  return asked.some((spec) => {
    const [name = ''] = spec.split('=');
    // An architecture stands behind a colon with dpkg, behind a dot with rpm.
    return [came, COMMANDS[manager].plainName(came)].some(
      (entry) => entry === name || entry.startsWith(`${name}:`) || entry.startsWith(`${name}.`),
    );
  });
}

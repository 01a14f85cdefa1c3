/** Commands in a root file system of their own, unpacked from packages and never written to; by bubblewrap, so no root is needed. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CONFINED, KERNEL_FOLDERS } from './confined.js';
import type { Host } from './host.js';

/** What runs commands; all that a build needs of a host. */
export type Runner = Pick<Host, 'run'>;

/** Folders that one release of Debian has at the top and a later one in usr/. */
const MERGED = ['bin', 'sbin', 'lib', 'lib64'];
/** Where links stand that packages make when they are installed. */
const LINKS = '/run/links';

/**
 * @param root folder with usr/ and what else the file system has
 * @param writable absolute path of the one folder of the host's that is seen in it, under the same name
 */
export function inRoot(host: Host, root: string, writable: string): Runner {
  const words = [
    ...CONFINED,
    ...['--ro-bind', join(root, 'usr'), '/usr'],
    ...MERGED.flatMap((name) =>
      existsSync(join(root, name))
        ? ['--ro-bind', join(root, name), `/${name}`]
        : ['--symlink', `usr/${name}`, `/${name}`],
    ),
    ...KERNEL_FOLDERS,
    ...['--tmpfs', '/tmp', '--bind', writable, writable],
    // Debian's alternatives are links that dpkg makes, and nothing is installed.
    ...['--dir', LINKS, '--symlink', '/usr/bin/mawk', `${LINKS}/awk`],
    ...['--setenv', 'PATH', `${LINKS}:/usr/bin:/bin`],
  ];
  return {
    run: (argv, { cwd = writable, ...options } = {}) =>
      host.run([...words, '--chdir', cwd, '--', ...argv], options),
  };
}

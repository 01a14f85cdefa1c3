import { join } from 'node:path';
import { MissingError } from '../../base/errors.js';
import type { Host } from '../../hosts/host/host.js';
import { inUserNamespace, userNamespaceAllowed } from '../../hosts/host/user-namespace.js';
import { makeRunFolder } from './run-folder.js';

/**
 * A command that needs packet sockets, for an ordinary user: what needs the network is done first, then the same command
 * runs again as root of a user namespace, which has no way out.
 * @param prepare fetches and builds
 * @param command the script and the arguments of this process
 * @returns the exit code of the inner command
 * @throws MissingError where the system does not allow user namespaces
 */
export async function asUser(
  host: Host,
  prepare: () => Promise<unknown>,
  command: readonly string[],
): Promise<number> {
  if (!(await userNamespaceAllowed(host))) {
    throw new MissingError({
      tried: 'running it as an ordinary user',
      happened:
        'it needs packet sockets and a network namespace, and this system allows user namespaces to nobody but root',
      next: ['run it as root', 'or allow user namespaces: sysctl kernel.unprivileged_userns_clone=1'],
      missing: ['root or user namespaces'],
    });
  }
  await prepare();
  const folder = await makeRunFolder('demo');
  try {
    const { execa } = await import('execa');
    const [program, ...argv] = inUserNamespace([process.execPath, ...command, '--in-place', '--offline']);
    const result = await execa(program as string, argv, {
      stdio: 'inherit',
      reject: false,
      // Nothing of it lies in the user's own state folder: it ends with the namespaces.
      env: { AOE_LAB_STATE: join(folder.path, 'state'), TMPDIR: folder.path },
    });
    return result.exitCode ?? 1;
  } finally {
    await folder.remove();
  }
}

/**
 * Root for those who are not: user, network and process namespaces of one's own, by unshare(1), where the system allows
 * it. All in them ends with the process that made them, even if that is killed: its death is signalled to unshare
 * (setpriv --pdeathsig), whose death ends the namespace's first process and so all others.
 */
import type { Host } from './host.js';

const UNSHARE = [
  ...['setpriv', '--pdeathsig', 'KILL'],
  ...['unshare', '--user', '--map-root-user', '--net', '--pid', '--fork', '--kill-child', '--mount-proc'],
];

/** Whether an ordinary user may make a user namespace with the others in it here. */
export async function userNamespaceAllowed(host: Host): Promise<boolean> {
  try {
    await host.run([...UNSHARE, 'true']);
    return true;
  } catch {
    return false;
  }
}

/** A command as it runs as root of a user namespace with an empty network. */
export function inUserNamespace(argv: readonly string[]): string[] {
  return [...UNSHARE, ...argv];
}

import type { Host } from '../../hosts/host/host.js';
import { userNamespaceAllowed } from '../../hosts/host/user-namespace.js';

/**
 * Why the demo can't make its private wire on a host, in a few words; undefined if it can.
 * @param isInPlace the process is in a network namespace of its own already
 */
export async function obstacleToWire(host: Host, isInPlace: boolean): Promise<string | undefined> {
  const { system, uid } = await host.facts();
  if (system !== 'Linux') return `${system} has no packet sockets of Linux's`;
  if (isInPlace) return undefined;
  if (uid !== 0) {
    return (await userNamespaceAllowed(host))
      ? undefined
      : 'you are not root, and may not make user namespaces';
  }
  try {
    await host.run(['unshare', '--net', 'true']);
    await host.run(['ip', '-Version']);
    return undefined;
  } catch {
    return 'network namespaces can not be made here';
  }
}

/** Has programs run with no more of root's rights than they need, where nothing else of the host does. */
import type { Host } from '../host/host.js';
import { SshHost } from '../ssh/host.js';

/**
 * capabilities: what is not named is gone for good, and none is ever gained
 * privileges: none is gained, as by a file with setuid; those of root stay (busybox's setpriv can do no more)
 * none: there is nothing on the host that could take any away
 * user: it is not root that programs are started by: there is nothing to take away
 */
export type Confinement = 'capabilities' | 'privileges' | 'none' | 'user';

const NO_NEW = ['setpriv', '--no-new-privs'];

function bounded(capabilities: readonly string[]): string[] {
  const kept = ['-all', ...capabilities.map((name) => `+${name}`)].join(',');
  // What root's programs are given is all that is in the bounding set.
  return [...NO_NEW, `--bounding-set=${kept}`, '--inh-caps=-all', '--ambient-caps=-all'];
}

/** Tried as they are used, and with what every target needs: old ones know not all options. */
const FIND = `[ "$(id -u)" = 0 ] || { echo user; exit; }
if ${bounded(['net_raw']).join(' ')} true; then echo capabilities
elif ${NO_NEW.join(' ')} true; then echo privileges
else echo none
fi 2> /dev/null`;

const known = new WeakMap<object, Promise<Confinement>>();

/**
 * What a host has for it; found once a connection.
 * @throws as Host.run
 */
export function confinementOf(host: Host): Promise<Confinement> {
  const key = host instanceof SshHost ? host.connection : host;
  const found = known.get(key) ?? find(host);
  known.set(key, found);
  found.catch(() => known.delete(key));
  return found;
}

async function find(host: Host): Promise<Confinement> {
  return (await host.run(['sh', '-c', FIND])).stdout.trim() as Confinement;
}

/** The command that gives up all rights of root but these, and becomes another one. */
export function confined(
  argv: readonly string[],
  capabilities: readonly string[],
  confinement: Confinement,
): string[] {
  switch (confinement) {
    case 'capabilities':
      return [...bounded(capabilities), '--', ...argv];
    case 'privileges':
      return [...NO_NEW, '--', ...argv];
    case 'none':
    case 'user':
      return [...argv];
  }
}

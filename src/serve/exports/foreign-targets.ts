/** Targets on a host that are not ours: found by their packet sockets. */
import { CommandError } from '../../hosts/host/command-error.js';
import type { Host } from '../../hosts/host/host.js';
import {
  addressesOf,
  configOf,
  type ForeignTarget,
  isInitiator,
  parseOwners,
  type SocketOwner,
} from './foreign-target.js';
import { holdersOf, parsePacketSockets } from './packet-sockets.js';
import { RUN_MARK } from './processes.js';

/** A kernel without packet sockets has no such file. */
const TABLE = '[ ! -e /proc/net/packet ] || cat /proc/net/packet';

/**
 * What is known of each process, as `parseOwners` takes it. What a process of another user's says of itself is in its memory,
 * where it can hold up whoever reads (userfaultfd(2)), and is no more than words: its mark counts only where it is this user's.
 */
const DETAILS = `user=$(id -u) patience=
timeout 5 true 2>/dev/null && patience='timeout 5'
for pid; do
  uid=
  { while read -r key value rest; do
      if [ "$key" = Uid: ]; then uid=$value; break; fi
    done < "/proc/$pid/status"; } 2>/dev/null
  [ -n "$uid" ] || continue
  printf '%s\\000' "$pid"
  readlink "/proc/$pid/cwd" 2>/dev/null
  printf '\\000'
  [ "$uid" != "$user" ] ||
    head -c 262144 "/proc/$pid/environ" 2>/dev/null | tr '\\000' '\\n' | sed -n 's/^${RUN_MARK}=//p' | head -n 1
  printf '\\000'
  if [ "$uid" = "$user" ] || [ "$uid" = 0 ]; then how=; else how=\${patience:-false}; fi
  $how head -c 8192 "/proc/$pid/cmdline" 2>/dev/null | tr '\\000' '\\001'
  printf '\\000'
  head -c 64 "/proc/$pid/comm" 2>/dev/null
  printf '\\000'
  head -c 8192 "/proc/$pid/cgroup" 2>/dev/null
  printf '\\000'
done
:`;

/** Bytes of a configuration that are looked at, and milliseconds that this may take. */
const LONGEST = 1 << 20;
const PATIENCE = 5000;
/** `$1` bytes, `$2` a file. A stranger names it: a pipe would hold up whoever reads it, and so may some files of the kernel's. */
const CONFIG = `[ -f "$2" ] && head -c "$1" "$2"`;

/**
 * Looks for them in one network namespace of a host.
 * @param ours processes that are ours, whatever they serve; asked one after another while there are others
 * @returns sorted by process id; a process that this user may not look at is not found
 */
export async function findForeignTargets(
  host: Host,
  netns: string | undefined,
  ours: readonly (() => Promise<Iterable<number>>)[],
): Promise<ForeignTarget[]> {
  const { stdout: table } = await host.inNamespace(netns).run(['sh', '-c', TABLE]);
  const holders = await holdersOf(host, parsePacketSockets(table));
  for (const ask of ours) {
    if (holders.size > 0) for (const pid of await ask()) holders.delete(pid);
  }
  if (holders.size === 0) return [];
  const { stdout: details } = await host.run(['sh', '-c', DETAILS, 'sh', ...[...holders.keys()].map(String)]);
  // One may have ended meanwhile.
  const strangers = parseOwners(details)
    .map((owner): SocketOwner => ({ ...owner, interfaces: holders.get(owner.pid) ?? [] }))
    .filter((owner) => !isInitiator(owner));
  return Promise.all(
    strangers.map(async (owner) => ({
      ...owner,
      addresses: addressesOf(owner, await configText(host, owner)),
    })),
  );
}

/** @returns undefined where it can't be read: then its target may serve anything */
export async function configText(
  host: Host,
  owner: Pick<SocketOwner, 'pid' | 'argv' | 'cwd'>,
): Promise<string | undefined> {
  const path = configOf(owner);
  if (path === undefined) return undefined;
  // As the process sees it, which may live in a container.
  const words = [String(LONGEST), `/proc/${owner.pid}/root${path}`];
  try {
    const options = { accept: [1], timeout: PATIENCE };
    const { exitCode, stdout } = await host.run(['sh', '-c', CONFIG, 'sh', ...words], options);
    return exitCode === 0 ? stdout : undefined;
  } catch (error) {
    if (error instanceof CommandError) return undefined;
    throw error;
  }
}

/** Targets on a host that are not ours: found by their packet sockets, which every program that speaks AoE has. */
import type { Host } from '../host/host.js';
import {
  addressesOf,
  configOf,
  type ForeignTarget,
  isInitiator,
  parseOwner,
  type SocketOwner,
} from './foreign-target.js';
import { RUN_MARK } from './processes.js';

/** ETH_P_AOE as /proc/net/packet prints it. */
const AOE = '88a2';

/** A kernel without packet sockets has no such file. */
const TABLE = '[ ! -e /proc/net/packet ] || cat /proc/net/packet';

/** The sockets of all processes: a line `/proc/PID/fd`, then one `INODE` for each. What busybox has will do. */
const SOCKETS = `printf '%s\\n' /proc/[0-9]*/fd | xargs ls -l /proc/self/ns 2>/dev/null |
sed -n 's,^\\(/proc/[0-9]*/fd\\):$,\\1,p; s,.* -> socket:\\[\\([0-9]*\\)\\]$,\\1,p'`;

/** What is known of each process, as `parseOwner` takes it. */
const DETAILS = `for pid; do
  printf '\\003%s\\002' "$pid"
  readlink "/proc/$pid/cwd" 2>/dev/null
  printf '\\002'
  tr '\\000' '\\n' 2>/dev/null < "/proc/$pid/environ" | grep '^${RUN_MARK}='
  printf '\\002'
  tr '\\000' '\\001' 2>/dev/null < "/proc/$pid/cmdline"
  printf '\\002'
  cat "/proc/$pid/cgroup" 2>/dev/null
done
:`;

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
  const sockets = parsePacketSockets(table);
  if (sockets.size === 0) return [];
  const { stdout } = await host.run(['sh', '-c', SOCKETS]);
  const holders = holdersOf(stdout, sockets);
  for (const ask of ours) {
    if (holders.size > 0) for (const pid of await ask()) holders.delete(pid);
  }
  if (holders.size === 0) return [];
  const { stdout: details } = await host.run(['sh', '-c', DETAILS, 'sh', ...[...holders.keys()].map(String)]);
  const strangers = details
    .split('\u0003')
    .slice(1)
    .flatMap((text): SocketOwner[] => {
      const owner = parseOwner(text);
      // It may have ended meanwhile.
      return owner === undefined ? [] : [{ ...owner, interfaces: holders.get(owner.pid) ?? [] }];
    })
    .filter((owner) => !isInitiator(owner));
  return Promise.all(
    strangers.map(async (owner) => ({
      ...owner,
      addresses: addressesOf(owner, await configText(host, owner)),
    })),
  );
}

/**
 * The sockets that are bound to AoE's EtherType: inode → index of the interface, 0 for all.
 * Columns: sk RefCnt Type Proto Iface R Rmem User Inode (net/packet/af_packet.c, packet_seq_show).
 */
export function parsePacketSockets(table: string): Map<string, number> {
  const rows = table.split('\n').map((line) => line.trim().split(/\s+/));
  return new Map(
    rows
      .filter((columns) => columns.length === 9 && columns[3] === AOE)
      .map((columns) => [columns[8] as string, Number(columns[4])]),
  );
}

/** Process id → interfaces that its sockets are bound to, by index. */
function holdersOf(text: string, sockets: ReadonlyMap<string, number>): Map<number, number[]> {
  const holders = new Map<number, number[]>();
  let pid = 0;
  for (const line of text.split('\n')) {
    const [, header] = /^\/proc\/(\d+)\/fd$/.exec(line) ?? [];
    if (header !== undefined) pid = Number(header);
    const index = sockets.get(line);
    if (index !== undefined) holders.set(pid, [...(holders.get(pid) ?? []), index]);
  }
  return new Map([...holders].sort(([a], [b]) => a - b));
}

async function configText(host: Host, owner: SocketOwner): Promise<string | undefined> {
  const path = configOf(owner);
  if (path === undefined) return undefined;
  // As the process sees it, which may live in a container.
  const { exitCode, stdout } = await host.run(['cat', `/proc/${owner.pid}/root${path}`], { accept: [1] });
  return exitCode === 0 ? stdout : undefined;
}

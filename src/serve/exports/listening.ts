/** What processes have open: packet sockets (they serve, or are about to) and files. */
import { pollUntilTrue } from '../../base/poll.js';
import type { Host } from '../../hosts/host/host.js';
import { partsOf } from './opened.js';

/** What is known of a process's packet sockets. */
export interface PacketSockets {
  /** Those of its network namespace: protocol, as 4 hexadecimal digits, index of the interface (0: all) and inode. */
  table: readonly { protocol: string; iface: number; inode: string }[];
  /** Inodes of its own sockets, of all kinds; undefined where they can't be seen. */
  own: ReadonlySet<string> | undefined;
}

/** By process id. */
export async function socketsOf(host: Host, pids: readonly number[]): Promise<Map<number, PacketSockets>> {
  if (pids.length === 0) return new Map();
  const { stdout } = await host.run(['sh', '-c', SOCKETS, 'sh', ...pids.map(String)]);
  return parseSockets(stdout);
}

/**
 * Of each process whether its sockets can be seen, and the table of packet sockets, unless it has that of the one before; then
 * links of what all of them have open (`… -> socket:[INODE]`).
 */
const SOCKETS = `LC_ALL=C; export LC_ALL
fds= last=
for pid do
  if [ -r "/proc/$pid/fd" ]; then seen=seen; fds="$fds /proc/$pid/fd/*"; else seen=hidden; fi
  if [ -n "$last" ] && [ "/proc/$pid/ns/net" -ef "/proc/$last/ns/net" ]; then echo "$seen $pid same"
  else
    echo "$seen $pid"
    cat "/proc/$pid/net/packet" 2>/dev/null
  fi
  last=$pid
done
echo @names
[ -z "$fds" ] || ls -ld $fds 2>/dev/null
:`;

/** Reads what the script printed. Rows have columns sk RefCnt Type Proto Iface R Rmem User Inode (net/packet/af_packet.c, packet_seq_show). */
export function parseSockets(text: string): Map<number, PacketSockets> {
  const [lines, names] = partsOf(text);
  const own = new Map<string, Set<string>>();
  for (const [at, name] of names) {
    const inode = /^socket:\[(\d+)\]$/.exec(name ?? '')?.[1];
    const pid = at.split('/')[2] ?? '';
    if (inode !== undefined) own.set(pid, (own.get(pid) ?? new Set()).add(inode));
  }
  const found = new Map<number, PacketSockets>();
  let table: PacketSockets['table'][number][] = [];
  for (const line of lines) {
    const [, seen, pid = '', same] = /^(seen|hidden) (\d+)( same)?$/.exec(line) ?? [];
    if (seen !== undefined) {
      if (same === undefined) table = [];
      found.set(Number(pid), { table, own: seen === 'seen' ? (own.get(pid) ?? new Set()) : undefined });
    }
    const columns = line.trim().split(/\s+/);
    const [, , , protocol = '', iface, , , , inode = ''] = columns;
    if (columns.length === 9 && inode !== 'Inode') table.push({ protocol, iface: Number(iface), inode });
  }
  return found;
}

/** As the kernel's table has it, in hex: AoE, and all protocols. */
const PROTOCOLS = ['88a2', '0003'];

/**
 * Whether a process has an AF_PACKET socket bound to the interface, or to all of them. Which sockets one with file
 * capabilities has can't be seen by its own user: one of its namespace that takes AoE on the interface is taken for its own.
 */
export function isListening({ table, own }: PacketSockets, interfaceIndex: number): boolean {
  return table.some(({ protocol, iface, inode }) =>
    own === undefined
      ? iface === interfaceIndex && PROTOCOLS.includes(protocol)
      : (iface === interfaceIndex || iface === 0) && own.has(inode),
  );
}

const POLL = 20;
const PATIENCE = 3000;

/** What processes that still are there have open; exit code 1 if one can't be looked into. */
const OPEN = `for pid do
  [ -d "/proc/$pid" ] || continue
  [ -r "/proc/$pid/fd" ] || exit 1
  ls -l "/proc/$pid/fd" 2>/dev/null
done
:`;

/** Waits until none of the processes has a file open; gives up silently after 3 s (status shows what still answers). */
export async function waitUntilReleased(host: Host, pids: readonly number[], path: string): Promise<void> {
  if (pids.length === 0) return;
  const isReleased = async (): Promise<boolean> => {
    const { exitCode, stdout } = await host.run(['sh', '-c', OPEN, 'sh', ...pids.map(String)], {
      accept: [1],
    });
    return exitCode === 0 && !stdout.split('\n').some((line) => line.endsWith(` -> ${path}`));
  };
  await pollUntilTrue(isReleased, { every: POLL, patience: PATIENCE });
}

/** Who has packet sockets for AoE, which every program that speaks it has: told by the kernel, never by names that users choose. */
import type { Host } from '../../hosts/host/host.js';

/** ETH_P_AOE as /proc/net/packet prints it. */
const AOE = '88a2';

/**
 * `$1`: folders of processes, the rest: inodes of sockets. A line `/proc/PID/fd/N INODE` for each of those. What ls(1) prints
 * finds them fast, by what busybox has; as a file may be called like the rest of such a line, each is asked for itself.
 */
const HOLDERS = `folders=$1; shift
printf '%s\\n' $folders/fd/* | xargs ls -ld 2>/dev/null |
sed -n 's,.* \\(/proc/[0-9]*/fd/[0-9]*\\) -> socket:\\[\\([0-9]*\\)\\]$,\\1 \\2,p' |
while read -r fd inode; do
  case " $* " in *" $inode "*) ;; *) continue;; esac
  [ "$(readlink "$fd")" != "socket:[$inode]" ] || echo "$fd $inode"
done`;

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

/**
 * The processes that hold some sockets, as far as this user may look at them: process id → what is told of those.
 * @param pid asked alone, rather than all
 */
export async function holdersOf<T>(
  host: Host,
  sockets: ReadonlyMap<string, T>,
  pid?: number,
): Promise<Map<number, T[]>> {
  const holders = new Map<number, T[]>();
  if (sockets.size === 0) return holders;
  const folders = `/proc/${pid ?? '[0-9]*'}`;
  const { stdout } = await host.run(['sh', '-c', HOLDERS, 'sh', folders, ...sockets.keys()]);
  for (const [, holder, inode = ''] of stdout.matchAll(/^\/proc\/(\d+)\/fd\/\d+ (\d+)$/gm)) {
    const known = sockets.get(inode);
    if (known !== undefined) holders.set(Number(holder), [...(holders.get(Number(holder)) ?? []), known]);
  }
  return new Map([...holders].sort(([a], [b]) => a - b));
}

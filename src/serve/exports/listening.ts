/** What processes have open: packet sockets (they serve, or are about to) and files. */
import { pollUntilTrue } from '../../base/poll.js';
import type { Host } from '../../hosts/host/host.js';

/**
 * Of the given processes, those with an AF_PACKET socket bound to the interface (or to all of them), by
 * `/proc/PID/net/packet` (columns: sk RefCnt Type Proto Iface R Rmem User Inode; net/packet/af_packet.c, packet_seq_show).
 */
export async function listeningOn(
  host: Host,
  pids: readonly number[],
  interfaceIndex: number,
): Promise<number[]> {
  if (pids.length === 0) return [];
  const { stdout } = await host.run(['sh', '-c', SOCKETS, 'sh', ...pids.map(String)]);
  const tables = stdout.split('process ').slice(1);
  return pids.filter((_, index) => isBound(tables[index] ?? '', interfaceIndex));
}

/** Of each process: links of what it has open (`… -> socket:[INODE]`), or that they can't be read; then its table of packet sockets. */
const SOCKETS = `for pid do
  echo "process $pid"
  if [ -r "/proc/$pid/fd" ]; then ls -l "/proc/$pid/fd" 2>/dev/null; else echo hidden; fi
  cat "/proc/$pid/net/packet" 2>/dev/null
done
:`;

/** As the kernel's table has it, in hex: AoE, and all protocols. */
const PROTOCOLS = ['88a2', '0003'];

/**
 * Which sockets a process with file capabilities has can't be seen by its own user: one of its namespace that takes AoE
 * on the interface is taken for its own.
 */
function isBound(table: string, interfaceIndex: number): boolean {
  const isHidden = /^hidden$/m.test(table);
  const sockets = new Set([...table.matchAll(/-> socket:\[(\d+)\]$/gm)].map((match) => match[1] as string));
  return table
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((columns) => columns.length === 9 && columns[8] !== 'Inode')
    .filter(([, , , , iface]) => Number(iface) === interfaceIndex || (!isHidden && Number(iface) === 0))
    .some((columns) => (isHidden ? PROTOCOLS.includes(columns[3] ?? '') : sockets.has(columns[8] ?? '')));
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

/** What processes have open: packet sockets (they serve, or are about to) and files. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Host } from '../host/host.js';

/**
 * Of the given processes, those with an AF_PACKET socket bound to the interface (or to all of them), by
 * `/proc/PID/net/packet` (columns: sk RefCnt Type Proto Iface R Rmem User Inode; net/packet/af_packet.c, packet_seq_show).
 */
export async function listeningOn(
  host: Host,
  pids: readonly number[],
  interfaceIndex: number,
): Promise<number[]> {
  const listening: number[] = [];
  for (const pid of pids) {
    const sockets = await socketsOf(host, pid);
    const table = await host.read(`/proc/${pid}/net/packet`).catch(() => Buffer.alloc(0));
    const bound = table
      .toString()
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter(([, , , , iface]) => Number(iface) === interfaceIndex || Number(iface) === 0)
      .some((columns) => sockets.has(columns[8] ?? ''));
    if (bound) listening.push(pid);
  }
  return listening;
}

/** Inodes of the sockets a process has open. */
async function socketsOf(host: Host, pid: number): Promise<Set<string>> {
  const { stdout } = await host.run(
    ['find', `/proc/${pid}/fd`, '-maxdepth', '1', '-lname', 'socket:*', '-printf', '%l\\n'],
    { accept: [1] },
  );
  return new Set([...stdout.matchAll(/^socket:\[(\d+)\]$/gm)].map((match) => match[1] as string));
}

const POLL = 20;
const PATIENCE = 3000;

/** Waits until none of the processes has a file open; gives up silently after 3 s (status shows what still answers). */
export async function waitUntilReleased(host: Host, pids: readonly number[], path: string): Promise<void> {
  const folders = pids.map((pid) => `/proc/${pid}/fd`);
  if (folders.length === 0) return;
  const deadline = Date.now() + PATIENCE;
  while (Date.now() < deadline) {
    const argv = ['find', ...folders, '-maxdepth', '1', '-type', 'l', '-printf', '%l\\n'];
    const { stdout } = await host.run(argv, { accept: [1] });
    if (!stdout.split('\n').includes(path)) return;
    await sleep(POLL);
  }
}

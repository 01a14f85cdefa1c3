import type { InterfaceFacts } from '../../hosts/host/interface-facts.js';
import { isListening, type PacketSockets } from './listening.js';

/** What a host has of the target that is to serve an export. */
export interface RunState {
  state: 'serving' | 'deaf' | 'absent';
  /** Its processes; a kernel module has none. */
  pids: number[];
  /** What is missing, unless it serves. */
  fault?: string;
}

/** Tells what processes have of packet sockets, by process id. */
export type AskSockets = (pids: readonly number[]) => Promise<ReadonlyMap<number, PacketSockets>>;

/** Of a target that is a process: one with a packet socket on the interface serves. */
export async function processState(
  pids: number[],
  iface: InterfaceFacts | undefined,
  sockets: AskSockets,
): Promise<RunState> {
  if (pids.length === 0) return { state: 'absent', pids, fault: 'no process' };
  if (iface === undefined) return { state: 'serving', pids };
  const known = await sockets(pids);
  if (pids.flatMap((pid) => known.get(pid) ?? []).some((one) => isListening(one, iface.index)))
    return { state: 'serving', pids };
  return { state: 'deaf', pids, fault: `its process has no packet socket on ${iface.name}` };
}

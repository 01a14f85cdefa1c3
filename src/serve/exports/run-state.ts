import type { Host } from '../../hosts/host/host.js';
import type { InterfaceFacts } from '../../hosts/host/interface-facts.js';
import { listeningOn } from './listening.js';

/** What a host has of the target that is to serve an export. */
export interface RunState {
  state: 'serving' | 'deaf' | 'absent';
  /** Its processes; a kernel module has none. */
  pids: number[];
  /** What is missing, unless it serves. */
  fault?: string;
}

/** Of a target that is a process: one with a packet socket on the interface serves. */
export async function processState(
  host: Host,
  pids: number[],
  iface: InterfaceFacts | undefined,
): Promise<RunState> {
  if (pids.length === 0) return { state: 'absent', pids, fault: 'no process' };
  if (iface === undefined || (await listeningOn(host, pids, iface.index)).length > 0) {
    return { state: 'serving', pids };
  }
  return { state: 'deaf', pids, fault: `its process has no packet socket on ${iface.name}` };
}

/** A lab, resolved: plain data, every default in its place. */
import type { ExportOptions } from '../target/entry.js';
import type { RestartPolicy } from '../target/supervise.js';

export interface Lab {
  name: string;
  hosts: LabHost[];
  segments: LabSegment[];
  exports: LabExport[];
}

export interface LabHost {
  name: string;
  /** `[user@]address[:port]`, a name that is known, or `here`. */
  ssh: string;
}

export interface LabSegment {
  name: string;
  /** Interface of hosts that say nothing else, without its VLAN. */
  interface?: string;
  vlan?: number;
  /** Bytes. */
  mtu?: number;
  netns?: string;
}

export interface LabExport {
  /** Name of a host of the lab. */
  host: string;
  address: { shelf: number; slot: number };
  implementation: string;
  /** The recipe's default release otherwise. */
  release?: string;
  /** The user's copy of the source. */
  source?: string;
  /** Name of a segment of the lab. */
  segment?: string;
  /** As the host calls it, its VLAN included. */
  iface: string;
  netns?: string;
  /** Absolute path on the host. */
  file: string;
  /** Bytes. */
  size?: number;
  loop?: boolean;
  options: ExportOptions;
  restart?: RestartPolicy;
  persist?: boolean;
  force?: boolean;
}

/** `e0.1` */
export function addressOf({ address }: Pick<LabExport, 'address'>): string {
  return `e${address.shelf}.${address.slot}`;
}

/** A lab, resolved: plain data, every default in its place. */

import type { ExportOptions, RestartPolicy } from '../../serve/exports/entry.js';
import type { FindingKind } from '../../serve/storage/findings.js';

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
  /** Segment → its interface there, where it is not the segment's own. */
  interfaces?: Record<string, string>;
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
  /** Default: the recipe's default release. */
  release?: string;
  /** The user's copy of the source. */
  source?: string;
  /** Whether a source is built for which neither a pinned digest nor TLS vouches. */
  unpinned?: boolean;
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
  /** What may speak against it and is overridden; `true`: whatever is found. */
  allow?: true | readonly FindingKind[];
}

/** The interface of a host on a segment, its VLAN included; undefined if neither says one. */
export function segmentInterface(
  { name, interface: own, vlan }: LabSegment,
  host: LabHost | undefined,
): string | undefined {
  return host?.interfaces?.[name] ?? (own === undefined || vlan === undefined ? own : `${own}.${vlan}`);
}

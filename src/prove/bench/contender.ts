import type { Host } from '../../hosts/host/host.js';
import type { Point } from './points.js';

/** What one run of a contender brings. */
export interface Run {
  /** Requests answered while it was measured. */
  requests: number;
  /** Milliseconds that were measured. */
  time: number;
  /** Requests answered in the whole run, warm-up included: what its CPU time was spent on. */
  answered: number;
  /** Microseconds; undefined where the tool that generated the load does not tell. */
  latency: { p50: number; p90: number; p99: number; p999: number; max: number } | undefined;
  lost: number;
  repeated: number;
  late: number;
  unanswered: number;
  errors: number;
  /** Answers with wrong data, and acknowledged writes that are not in the file. */
  wrong: number;
  /** Answers compared in full, and acknowledged writes looked for in the file. */
  compared: number;
  example?: string | undefined;
  /** Share of its time that the load generator was busy; undefined where it is not ours. */
  busy: number | undefined;
}

/** How a run is to be done. */
export interface RunSpec {
  point: Point;
  seed: number;
  /** Of what is written. */
  mark: number;
  /** Milliseconds. */
  warmUp: number;
  time: number;
}

/** One that is measured: running, and ready to be loaded. */
export interface Contender {
  readonly name: string;
  readonly release: string;
  /** AoE, NBD, iSCSI, local; and how it is set up. */
  readonly protocol: string;
  readonly setUp: string;
  /** Requests it says it can hold at once. */
  readonly bufferCount?: number;
  /** Where they run; undefined: on this machine. */
  readonly host?: Host;
  /** Processes whose CPU time counts. */
  readonly pids: readonly number[];
  /** Why it can't be measured at a point; undefined if it can. */
  refuses(point: Point): string | undefined;
  /** Before its runs, and after them: where it can't stay ready beside the others. */
  begin?(): Promise<void>;
  end?(): Promise<void>;
  run(spec: RunSpec): Promise<Run>;
  /** What the kernel of its guest complained of, where it has one. */
  trouble?(): Promise<string[]>;
  /** Ends it and takes away what was made for it. */
  stop(): Promise<void>;
}

/** What all contenders are given. */
export interface Conditions {
  /** The backing file, shared by all: only one is under load at a time. */
  path: string;
  /** Sectors of it. */
  sectors: number;
  directIo: boolean;
  mtu: number;
}

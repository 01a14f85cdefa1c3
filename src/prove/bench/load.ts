/** What a load generator is asked and what it answers, as they pass between processes. */

/** What all protocols have in common. */
export interface Load {
  /** Bytes a request, whole sectors. */
  size: number;
  /** Requests outstanding. */
  depth: number;
  /** Share of reads in percent, 0 to 100. */
  reads: number;
  /** Sectors exported. */
  sectors: number;
  /** Where the order of places begins. */
  seed: number;
  /** The mark that writes leave in the file (see content.ts). */
  mark: number;
  /** Milliseconds before and during the measurement. */
  warmUp: number;
  time: number;
}

export interface AoeLoad extends Load {
  protocol: 'aoe';
  iface: string;
  netns?: string | undefined;
  /** Of the target. */
  mac: number;
  shelf: number;
  slot: number;
}

export interface NbdLoad extends Load {
  protocol: 'nbd';
  /** TCP port on 127.0.0.1, in that namespace. */
  port: number;
  netns?: string | undefined;
  /** Name of the export. */
  export: string;
}

export type AnyLoad = AoeLoad | NbdLoad;

/** Counts concern the whole run, warm-up included, unless said otherwise. */
export interface LoadFigures {
  /** Answered while it was measured. */
  requests: number;
  /** Milliseconds that were measured. */
  time: number;
  /** Answered in the whole run. */
  answered: number;
  /** Microseconds from just before a request was sent until its answer was there, while it was measured. */
  latency: { p50: number; p90: number; p99: number; p999: number; max: number };
  /** Requests sent again because no answer came in time. */
  repeated: number;
  /** Answers that came after all, when their request had been sent again or answered. */
  late: number;
  /** Requests or answers that were lost on the way: repeated, less late. */
  lost: number;
  /** Without an answer when the run ended and patience was over. */
  unanswered: number;
  /** Answers that report an error. */
  errors: number;
  /** Answers with other data than the file holds, or of a wrong length. */
  wrong: number;
  /** Answers whose data was compared in full; of all others the first sector's number was. */
  compared: number;
  /** The first error or wrong answer, in words. */
  example?: string | undefined;
  /** Sectors of some writes that were acknowledged: the file must hold the mark there. */
  written: number[];
  /** Share of the time that the generator was busy, 0 to 1 and above (its own CPU time ÷ time). */
  busy: number;
}

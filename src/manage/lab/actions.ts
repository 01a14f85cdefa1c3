/** What a plan consists of: what is to be done, and what stands in the way. */
import type { ExportStatus } from '../../serve/exports/status-report.js';
import type { Difference } from './differences.js';
import type { LabExport } from './lab.js';

/** Who answered on a segment. */
export interface Answer {
  shelf: number;
  slot: number;
  mac: string;
}

export interface SegmentAnswers {
  segment: string;
  /** Host and interface that asked; null if no host at hand has a place to ask from. */
  askedFrom: string | null;
  answers: Answer[];
}

interface Common {
  host: string;
  /** `e0.1@eth0` */
  id: string;
}

/** Something is made. */
interface Making extends Common {
  export: LabExport;
  /** An export of this lab that goes made its file. */
  made: boolean;
}

/** Something goes. */
interface Ending extends Common {
  /** Its file is that of an export that stays or comes. */
  fileStays: boolean;
}

export interface Create extends Making {
  kind: 'create';
  /** Hosts that end the same address first. */
  movedFrom: string[];
}

export interface Replace extends Making, Ending {
  kind: 'replace';
  differences: Difference[];
}

export interface Restart extends Common {
  kind: 'restart';
  export: LabExport;
  faults: string[];
}

export interface Delete extends Ending {
  kind: 'delete';
  is: Pick<ExportStatus, 'shelf' | 'slot' | 'implementation' | 'release' | 'file' | 'size'>;
}

export type Action = Create | Replace | Restart | Delete;

/** What stands in the way of an export, or of all of a host's (then without id); only a person can solve it. */
export interface Trouble {
  host: string;
  id: string | null;
  happened: string;
  next: string | null;
}

export interface LabPlan {
  lab: string;
  actions: Action[];
  troubles: Trouble[];
  /** What the user should know, and stands in nobody's way. */
  warnings: { host: string; id: string; text: string }[];
  /** Exports that are as they should be. */
  unchanged: number;
  /** Exports of the lab's hosts that are not the lab's. */
  foreign: number;
  segments: Omit<SegmentAnswers, 'answers'>[];
}

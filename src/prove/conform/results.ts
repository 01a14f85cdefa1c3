/** What a run of the suite found: plain data, printed as JSON as it is. */
import type { Ran } from '../testbed/place.js';
import type { Severity } from './case.js';

/** crash: the target's process ended · hang: it answers nothing any more. Both count as failed. */
export type Outcome = 'passed' | 'failed' | 'crash' | 'hang' | 'skipped';

export interface FrameRecord {
  /** Milliseconds since the case began. */
  at: number;
  direction: 'sent' | 'received';
  /** In words. */
  text: string;
  /** Bytes on the wire. */
  length: number;
  /** The first of them. */
  hex: string;
}

export interface CaseResult {
  name: string;
  rule: string;
  section: string;
  severity: Severity;
  outcome: Outcome;
  /** What was seen instead of what the rule says, or why it was skipped; empty if it passed. */
  seen: string;
  /** The known deviation that explains the failure. */
  quirk?: string;
  /** Milliseconds. */
  duration: number;
  frames: FrameRecord[];
  /** Frames that passed but are not listed. */
  framesLeftOut: number;
}

export interface ConformReport {
  implementation: string;
  release: string;
  /** Where the target ran, and the kernel below it. */
  target: Ran;
  /** Cases chosen; `passed`, `failed` and `skipped` add up to it. */
  total: number;
  /** Cases that were run: all but the skipped ones. */
  ran: number;
  passed: number;
  failed: number;
  skipped: number;
  /** Failures that the recipe's quirks name, and those they don't: these add up to `failed`. */
  known: number;
  unexplained: number;
  /** Quirks whose cases were run and all passed: the recipe says too much. */
  outdated: string[];
  /** What the kernel of the target's guest complained of. */
  trouble: string[];
  /** Milliseconds. */
  duration: number;
  cases: CaseResult[];
}

/** Whether a run shows a fault that is new: a failed must-case that no quirk names, a kernel in trouble, nothing that ran. */
export function hasNewFaults(report: ConformReport): boolean {
  if (report.ran === 0 || report.trouble.length > 0) return true;
  return report.cases.some(
    ({ outcome, severity, quirk }) =>
      outcome !== 'passed' && outcome !== 'skipped' && severity === 'must' && quirk === undefined,
  );
}

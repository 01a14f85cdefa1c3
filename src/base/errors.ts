/**
 * The errors a user may see. Each carries facts, not prose: what was tried, what happened, what to do next.
 * `ui/errors.ts` composes the text; only `cli/main.ts` turns one into an exit code.
 */

import { withoutBreaks } from './escape.js';

export const ExitCode = {
  done: 0,
  failed: 1,
  usage: 2,
  missing: 3,
  unreachable: 4,
  faults: 5,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

export interface ErrorFacts {
  /** What was being done, as a short phrase: "exporting e0.1 on eth0 by vblade". */
  tried: string;
  /** What happened instead: a line, or several that are given one by one (a compiler's first error, a list of faults). */
  happened: string | readonly string[];
  /** What the user can do about it; one line, or several alternatives. */
  next?: string | readonly string[];
  /** File that holds the whole story, if one was kept. */
  log?: string;
  cause?: unknown;
}

/** As they are told: what happened in lines, none of which is left by what was put into it. */
export interface ToldFacts extends ErrorFacts {
  happened: string;
}

/** The lines of what a program, a host or another error said. */
export function linesOf(text: string): string[] {
  return text.trimEnd().split(/\r?\n/);
}

/** Base of all expected failures; exit code 1. */
export class LabError extends Error {
  readonly exitCode: ExitCode = ExitCode.failed;
  readonly facts: ToldFacts;

  constructor(facts: ErrorFacts) {
    const { happened } = facts;
    const lines = typeof happened === 'string' ? [happened] : happened;
    const told = lines.map((line) => withoutBreaks(line.trimEnd())).join('\n');
    super(`${facts.tried}: ${told}`, { cause: facts.cause });
    this.facts = { ...facts, happened: told };
    this.name = new.target.name;
  }
}

/** The command line, a recipe or a file of the user's asks for something that can't be meant; exit code 2. */
export class UsageError extends LabError {
  override readonly exitCode = ExitCode.usage;
}

/** A tool, header, permission or kernel feature is not here; exit code 3. */
export class MissingError extends LabError {
  override readonly exitCode = ExitCode.missing;
  /** Names of what is missing, as `doctor` would list them. */
  readonly missing: readonly string[];

  constructor(facts: ErrorFacts & { missing: readonly string[] }) {
    super(facts);
    this.missing = facts.missing;
  }
}

/** No location of a source could be reached; exit code 4. */
export class UnreachableError extends LabError {
  override readonly exitCode = ExitCode.unreachable;
}

/** A verification ran and found faults; exit code 5. */
export class FaultsError extends LabError {
  override readonly exitCode = ExitCode.faults;
}

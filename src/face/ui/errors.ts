import { ExitCode } from '../../base/errors.js';
import { bounded } from '../../base/escape.js';
import { expectedError } from '../../base/system-errors.js';
import colors, { line, oneLine, shortLines } from './colors.js';

/** Characters of a line that a program or a host said. */
const MOST_OF_LINE = 1000;
const MOST_LINES = 60;

/** Composes what a user reads of an error: what was tried, what happened, what to do next, and the log's name. */
export function describeError(error: unknown, debug: boolean): string {
  const known = expectedError(error);
  if (known === undefined) {
    const { message, stack } = error instanceof Error ? error : new Error(String(error));
    return [
      `${colors.red('error')} ${message}`,
      debug && stack ? stack : 'This is a fault of aoe-lab itself; --debug shows where.',
    ].join('\n');
  }
  const { tried, happened, next, log } = known.facts;
  const steps = next === undefined ? [] : typeof next === 'string' ? [next] : next;
  const stack = error instanceof Error ? error.stack : undefined;
  return [
    `${colors.red('error')} ${oneLine(tried)}`,
    ...bounded(shortLines(happened, MOST_OF_LINE), MOST_LINES).map((told) => `  ${told}`),
    ...steps.map((step) => `  ${colors.cyan('→')} ${oneLine(step)}`),
    ...(log === undefined ? [] : [line`  log: ${log}`]),
    ...(debug && stack ? [stack] : []),
  ].join('\n');
}

/** The error as an object, for `--json`. */
export function errorAsJson(error: unknown): object {
  const known = expectedError(error);
  if (known === undefined) return { error: { kind: 'Error', happened: String(error) } };
  const { tried, happened, next, log } = known.facts;
  return { error: { kind: known.name, tried, happened, next, log } };
}

export function exitCodeOf(error: unknown): number {
  return expectedError(error)?.exitCode ?? ExitCode.failed;
}

import colors from 'picocolors';
import { ExitCode, LabError } from '../errors.js';

/** Composes what a user reads of an error: what was tried, what happened, what to do next, and the log's name. */
export function describeError(error: unknown, debug: boolean): string {
  if (!(error instanceof LabError)) {
    const { message, stack } = error instanceof Error ? error : new Error(String(error));
    return [
      `${colors.red('error')} ${message}`,
      debug && stack ? stack : 'This is a fault of aoe-lab itself; --debug shows where.',
    ].join('\n');
  }
  const { tried, happened, next, log } = error.facts;
  const steps = next === undefined ? [] : typeof next === 'string' ? [next] : next;
  return [
    `${colors.red('error')} ${tried}`,
    ...happened.split('\n').map((line) => `  ${line}`),
    ...steps.map((step) => `  ${colors.cyan('→')} ${step}`),
    ...(log === undefined ? [] : [`  log: ${log}`]),
    ...(debug && error.stack ? [error.stack] : []),
  ].join('\n');
}

/** The error as an object, for `--json`. */
export function errorAsJson(error: unknown): object {
  if (!(error instanceof LabError)) return { error: { kind: 'Error', happened: String(error) } };
  const { tried, happened, next, log } = error.facts;
  return { error: { kind: error.name, tried, happened, next, log } };
}

export function exitCodeOf(error: unknown): number {
  return error instanceof LabError ? error.exitCode : ExitCode.failed;
}

/** What becomes of a command whose standard output is a closed pipe or a full disk. */
import { ExitCode } from '../../base/errors.js';
import { expectedError } from '../../base/system-errors.js';
import { note } from './output.js';

const reader = new AbortController();

/** Aborted once nobody reads standard output any more: what only prints may end then. */
export const readerLeft: AbortSignal = reader.signal;

let isFull = false;

/**
 * Has broken pipes and full disks end quietly: what was begun is carried to its end, only its words are lost. A file that
 * could not take them makes the command fail.
 */
export function guardStreams(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') return reader.abort();
    if (!isFull)
      note(`error writing standard output: ${expectedError(error)?.facts.happened ?? error.message}`);
    isFull = true;
    process.exitCode ||= ExitCode.failed;
  });
  process.stderr.on('error', () => {});
}

/** The exit code of a command, in view of what its output came to. */
export function exitCodeWith(code: number): number {
  return isFull ? code || ExitCode.failed : code;
}

/** Whether an error says no more than that the reader of standard output has left. */
export function isBrokenPipe(error: unknown): boolean {
  if (!readerLeft.aborted) return false;
  for (let one = error; one instanceof Error; one = one.cause) {
    const { code } = one as NodeJS.ErrnoException;
    if (code === 'EPIPE' || code === 'ERR_STREAM_PREMATURE_CLOSE' || code === 'ERR_STREAM_DESTROYED')
      return true;
  }
  return false;
}

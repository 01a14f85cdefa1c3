/** What is said of a login shell that does not come to a command. No I/O. */
import { linesOf, MissingError } from '../../base/errors.js';
import { counted } from '../../base/units.js';
import type { NotBegun } from './session.js';

/** The last lines that its start-up files printed, of which the last ones tell why. */
const MOST_LINES = 8;

/** @param name of the host, as messages call it */
export function notBegun(
  { message, printed, lines, ending }: NotBegun,
  name: string,
  user: string,
): MissingError {
  const { exitCode, signalName } = ending;
  const hasEnded = message === 'it ended';
  const how = hasEnded ? `it ended with ${signalName ?? `exit code ${exitCode}`}` : message;
  return new MissingError({
    tried: `running a command on ${name} by the login shell of ${user}`,
    happened: [`${how}, before the command began`, ...said(printed, lines)],
    next: [
      ...(hasEnded && printed === ''
        ? [`see which shell that is: getent passwd ${user} (/bin/false and the like end at once)`]
        : []),
      'have its start-up files (~/.bashrc, ~/.cshrc, config.fish …) start other programs, ask and end only where there is a terminal: `[ -t 0 ] || return` first',
      `or give ${user} another login shell there, or log in as another user`,
    ],
    missing: ['login shell'],
  });
}

function said(printed: string, lines: number): string[] {
  if (printed === '') return [];
  const shown = linesOf(printed).slice(-MOST_LINES);
  const before = lines - shown.length;
  if (before <= 0) return [`it printed: ${shown[0]}`, ...shown.slice(1)];
  return [`it printed ${counted(before, 'line')}, and then:`, ...shown];
}

import { quote, quoteArgv } from '../host/quote.js';

/** How commands get root's rights. */
export interface Elevation {
  /** What stands before a command. */
  words: readonly string[];
  /** Sent ahead of each command's standard input, for sudo alone. */
  password?: string | undefined;
}

/**
 * With a password, `line` begins after the line `mark` on standard input: where sudo did not ask for the password (a rule lets this
 * command pass without), our shell drops it, and no command ever reads it.
 */
export function elevated(line: string, elevation: Elevation | undefined, mark: string): string {
  if (elevation === undefined) return line;
  const script =
    elevation.password === undefined
      ? line
      : `l=; until [ "$l" = ${quote(mark)} ]; do IFS= read -r l || exit 1; done; unset l; ${line}`;
  return `exec ${quoteArgv([...elevation.words, 'sh', '-c', script])}`;
}

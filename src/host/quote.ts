const PLAIN = /^[A-Za-z0-9_@%+=:,./-]+$/;

/** Quotes one word for a POSIX shell; words without special characters stay as they are. */
export function quote(word: string): string {
  return PLAIN.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** A command as a person would type it. */
export function quoteArgv(argv: readonly string[]): string {
  return argv.map(quote).join(' ');
}

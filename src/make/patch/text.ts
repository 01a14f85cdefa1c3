/**
 * Texts of old sources are handled as Latin-1, one character a byte, so that no byte is ever lost or changed,
 * whatever the encoding was.
 */

/** Lines with their endings; only the last may have none. */
export function splitLines(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

/** A line without its ending, LF or CRLF. */
export function withoutEnding(line: string): string {
  return line.replace(/\r?\n$/, '');
}

/** The ending of a line: LF, CRLF, or nothing. */
export function endingOf(line: string): string {
  return /\r?\n$/.exec(line)?.[0] ?? '';
}

/** Bytes held as Latin-1, as a person should see them: as UTF-8 where they are that. */
export function readable(text: string): string {
  const bytes = Buffer.from(text, 'latin1');
  const decoded = bytes.toString('utf8');
  return decoded.includes('�') ? text : decoded;
}

/** A line in quotes, with tabs and blanks to be seen; for messages. */
export function quotedLine(line: string): string {
  return JSON.stringify(readable(withoutEnding(line)));
}

/** Text from a recipe (Unicode) as the bytes of its UTF-8 form, held as Latin-1. */
export function asBytes(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

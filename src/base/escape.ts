/**
 * Text from outside (the wire, a host, a file, a log, the command line) as a person may see it: what a terminal obeys, what
 * turns the direction of writing, and what can't be seen at all is written as `\x1b`, `\u202e`. Printable Unicode stays.
 */

/**
 * Controls (C0, DEL, C1), lone surrogates, separators of lines and paragraphs, bidi controls, characters without a width
 * (joiners, fillers, variation selectors, tags) and those that are none (Unicode Standard Annex #44).
 */
const UNSAFE =
  /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}\ufff9-\ufffb]/gu;

const NAMED: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** Of one line in characters: a name, a message, a cell of a table. */
const MOST_OF_LINE = 400;
/** Of a list of answers. */
const MOST_OF_LIST = 200;

/** Text of several lines: line feeds and tabs stay, CR LF becomes a line feed. */
export function escapeText(text: string): string {
  return text
    .replaceAll('\r\n', '\n')
    .replace(UNSAFE, (character) =>
      character === '\n' || character === '\t' ? character : visible(character),
    );
}

/** Text of one line, cut behind so many characters. */
export function escapeLine(text: string, most = MOST_OF_LINE): string {
  return shorten(text, most).replace(UNSAFE, visible);
}

/** A text without ends of lines, all else as it is. */
export function withoutBreaks(text: string): string {
  return text.replaceAll(/[\r\n]/g, visible);
}

/** The first characters of a text, and how many more there are. */
export function shorten(text: string, most = MOST_OF_LINE): string {
  if (text.length <= most) return text;
  const characters = [...text];
  const left = characters.length - most;
  return left <= 0 ? text : `${characters.slice(0, most).join('')}… (${left} more)`;
}

/** The first lines of a list, and how many more there are. */
export function bounded(lines: readonly string[], most = MOST_OF_LIST): string[] {
  if (lines.length <= most) return [...lines];
  return [...lines.slice(0, most), `… and ${lines.length - most} more`];
}

/** Whether all of a text prints, on one line. */
export function isPrintable(text: string): boolean {
  return text.search(UNSAFE) === -1;
}

/**
 * JSON text, or YAML where all that does not print stands in double quotes, with the same meaning and nothing that a terminal
 * obeys.
 */
export function escapeJson(json: string): string {
  return json.replace(UNSAFE, (character) => (character === '\n' ? character : unicode(character)));
}

function visible(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code <= 0xff) return NAMED[character] ?? `\\x${hex(code, 2)}`;
  return code <= 0xffff ? `\\u${hex(code, 4)}` : `\\u{${hex(code, 4)}}`;
}

/** As JSON and YAML write it: by its units of UTF-16. */
function unicode(character: string): string {
  return Array.from({ length: character.length }, (_, at) => `\\u${hex(character.charCodeAt(at), 4)}`).join(
    '',
  );
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, '0');
}

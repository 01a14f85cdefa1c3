/** Shell fragments that only set variables, as Debian's vblade package reads them; nothing is ever run. */
import type { Place, Remark } from './found.js';

export interface Assignment extends Place {
  name: string;
  value: string;
}

/**
 * Reads `NAME=VALUE` lines with the quoting of a POSIX shell. What would have to be run or expanded is told and left out.
 */
export function parseAssignments(file: string, text: string, remarks: Remark[]): Assignment[] {
  const found: Assignment[] = [];
  for (const [index, raw] of text.split('\n').entries()) {
    const place = { file, line: index + 1 };
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const rest = line.replace(/^export\s+/, '');
    const [, name, value] = /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/.exec(rest) ?? [];
    const word = value === undefined ? undefined : unquote(value);
    if (name === undefined || word === undefined) {
      remarks.push({ ...place, text: `not a plain assignment, and nothing is run here: ${line}` });
      continue;
    }
    found.push({ ...place, name, value: word });
  }
  return found;
}

/** The one word of a text, followed by nothing but a comment; undefined if it is none, or has expansions. */
function unquote(text: string): string | undefined {
  let word = '';
  let at = 0;
  while (at < text.length) {
    const char = text[at] as string;
    if (/\s/.test(char)) return /^\s+(#.*)?$|^\s*;?\s*$/.test(text.slice(at)) ? word : undefined;
    if (char === ';') return /^;\s*(#.*)?$/.test(text.slice(at)) ? word : undefined;
    if (char === "'") {
      const end = text.indexOf("'", at + 1);
      if (end < 0) return undefined;
      word += text.slice(at + 1, end);
      at = end + 1;
    } else if (char === '"') {
      const match = /^"((?:[^"\\$`]|\\.)*)"/.exec(text.slice(at));
      if (match === null) return undefined;
      word += (match[1] as string).replaceAll(/\\([\\"$`])/g, '$1');
      at += match[0].length;
    } else if (char === '\\') {
      if (at + 1 >= text.length) return undefined;
      word += text[at + 1];
      at += 2;
    } else if (/[$`&|<>()*?[\]{}~]/.test(char)) {
      return undefined;
    } else {
      word += char;
      at++;
    }
  }
  return word;
}

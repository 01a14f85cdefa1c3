import { isPrintable } from '../../base/escape.js';

const PLAIN = /^[A-Za-z0-9_@%+=:,./-]+$/;

/** Quotes one word for a POSIX shell; words without special characters stay as they are. */
export function quote(word: string): string {
  return PLAIN.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** A command as a shell takes it. */
export function quoteArgv(argv: readonly string[]): string {
  return argv.map(quote).join(' ');
}

/** A word as a person can see it and paste it: what does not print, line feeds and tabs apart, by its bytes (`$'\x1b'`). */
export function quoteShown(word: string): string {
  if (isPrintable(word.replaceAll(/[\n\t]/g, ''))) return quote(word);
  const bytes = [...word].map((character) => {
    if (character === "'" || character === '\\') return `\\${character}`;
    if (isPrintable(character)) return character;
    return [...Buffer.from(character)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
  });
  return `$'${bytes.join('')}'`;
}

/** A command as a person can see it and paste it. */
export function showArgv(argv: readonly string[]): string {
  return argv.map(quoteShown).join(' ');
}

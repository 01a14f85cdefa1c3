/**
 * Colours of our own, which text from outside can't forge: each begins with numbers that this process has drawn by lot and
 * never shows. What is printed goes through `paint`, which escapes all else, a stranger's colours too.
 */
import { randomInt } from 'node:crypto';
import pico from 'picocolors';
import { escapeLine, escapeText, shorten } from '../../base/escape.js';

/** As parameters of SGR, so that libraries that lay out text see sequences without a width. */
const LOT = Array.from({ length: 3 }, () => randomInt(1000, 10_000)).join(';');
const OWN = new RegExp(`(\\x1b\\[${LOT};\\d+m)`);

type Colour = (text: string) => string;

function colour(open: number, close: number): Colour {
  if (!pico.isColorSupported) return (text) => text;
  return (text) => `\x1b[${LOT};${open}m${text}\x1b[${LOT};${close}m`;
}

const colors = {
  bold: colour(1, 22),
  dim: colour(2, 22),
  red: colour(31, 39),
  green: colour(32, 39),
  yellow: colour(33, 39),
  magenta: colour(35, 39),
  cyan: colour(36, 39),
};
export default colors;

/** Text as it goes to a terminal: our colours as the terminal knows them, everything else escaped. */
export function paint(text: string): string {
  return besidesColours(text, escapeText).replaceAll(`\x1b[${LOT};`, '\x1b[');
}

/** Text as one line, such as a cell of a table, its colours kept for `paint`. */
export function oneLine(text: string): string {
  if (!OWN.test(text)) return escapeLine(text);
  return besidesColours(text, (part) => escapeLine(part));
}

/** A line that is composed: what is put in does not leave it, and its colours are kept for `paint`. */
export function line(words: TemplateStringsArray, ...values: readonly unknown[]): string {
  return words.reduce((text, word, index) => `${text}${oneLine(String(values[index - 1]))}${word}`);
}

/** Lines as they stand, each cut where it is too long to be read. */
export function shortLines(text: string, most: number): string[] {
  return text.split('\n').map((line) => shorten(line, most));
}

function besidesColours(text: string, safe: (part: string) => string): string {
  return text
    .split(OWN)
    .map((part, index) => (index % 2 === 1 ? part : safe(part)))
    .join('');
}

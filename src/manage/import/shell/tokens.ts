/** The words and operators of a shell's text (POSIX.1-2017, Shell Command Language, 2.2 to 2.4); nothing is expanded. */
import { type Part, Reader } from './parts.js';

export interface Word {
  /** From 1. */
  line: number;
  /** As it is written. */
  raw: string;
  parts: Part[];
}

/** An operator is glued to what stands before it where nothing is between them. */
export type Token =
  | { kind: 'word'; word: Word }
  | { kind: 'operator'; text: string; line: number; isGlued: boolean };

/** What ends the reading of a text; a shell would refuse it too. */
export interface Unreadable {
  line: number;
  text: string;
}

const OPERATORS = [
  '<<<',
  '<<-',
  '&>>',
  '&&',
  '||',
  ';;',
  ';&',
  '<<',
  '>>',
  '<&',
  '>&',
  '<>',
  '>|',
  '&>',
  ';',
  '&',
  '|',
  '(',
  ')',
  '<',
  '>',
  '\n',
];

/** @returns the tokens up to where the text can't be read, and why */
export function tokenize(text: string): { tokens: Token[]; unreadable?: Unreadable } {
  const reader = new Reader(text);
  const tokens: Token[] = [];
  /** Words that end here-documents, which begin with the next line. */
  const documents: { end: string; isIndented: boolean }[] = [];
  while (!reader.isDone()) {
    if (reader.skip(/^(?:[ \t]|\\\n)+/) || reader.skip(/^#[^\n]*/)) continue;
    const operator = OPERATORS.find((one) => reader.startsWith(one));
    const { line } = reader;
    if (operator === undefined) {
      const start = reader.position;
      const outcome = reader.word();
      if (typeof outcome === 'string') return { tokens, unreadable: { line, text: outcome } };
      const raw = text.slice(start, reader.position);
      const before = tokens.at(-1);
      if (before?.kind === 'operator' && before.text.startsWith('<<') && before.text !== '<<<') {
        documents.push({ end: raw.replaceAll(/['"\\]/g, ''), isIndented: before.text === '<<-' });
      }
      tokens.push({ kind: 'word', word: { line, raw, parts: outcome } });
      continue;
    }
    const isGlued = /\S/.test(text[reader.position - 1] ?? ' ');
    reader.advance(operator.length);
    tokens.push({ kind: 'operator', text: operator, line, isGlued });
    if (operator !== '\n') continue;
    for (const { end, isIndented } of documents.splice(0)) {
      if (!skipDocument(reader, end, isIndented)) {
        return { tokens, unreadable: { line, text: `the here-document up to ${end} never ends` } };
      }
    }
  }
  return { tokens };
}

function skipDocument(reader: Reader, end: string, isIndented: boolean): boolean {
  while (!reader.isDone()) {
    const line = reader.restOfLine();
    if ((isIndented ? line.replace(/^\t+/, '') : line) === end) return true;
  }
  return false;
}

/** The only writers: results go to stdout, everything else to stderr. What is not ours in a text is escaped here. */
import { escapeJson, escapeLine } from '../../base/escape.js';
import { oneLine, paint } from './colors.js';

export interface PrintOptions {
  json?: boolean | undefined;
}

/** Prints a result: as JSON on stdout and nothing else there, or as the text that `human` composes. */
export function print(result: unknown, options: PrintOptions, human: () => string): void {
  const text = options.json ? jsonText(result, 2) : paint(human());
  if (text !== '') process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
}

/** Prints a piece of a text that goes on as it comes: lines of a log, of a capture, of help. */
export function printPart(text: string): void {
  process.stdout.write(paint(text));
}

/** JSON whose values are exact, and which a terminal shows as it stands. */
export function jsonText(value: unknown, indent = 0): string {
  return escapeJson(JSON.stringify(value, jsonValue, indent));
}

/** A message for the person at the terminal. */
export function note(text: string): void {
  process.stderr.write(`${paint(text)}\n`);
}

/** One line for the person at the terminal that the next one is written over; '' takes it away. Nothing where that is none. */
export function noteOver(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r${paint(oneLine(text))}\u001b[K`);
}

/** Characters: what is agreed to is shown as a whole. */
const MOST_OF_QUESTION = 10_000;

/** A question as it goes to a terminal. */
export function asQuestion(text: string): string {
  return paint(escapeLine(text, MOST_OF_QUESTION));
}

function jsonValue(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  return value;
}

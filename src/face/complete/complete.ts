import type { Command } from 'commander';
import { valuesOf } from './values.js';
import { type Candidate, wantedAt } from './wanted.js';

/** What a shell may put into the line that is typed, and show beside it. */
const PRINTABLE = /^[\p{L}\p{N}\p{P}\p{S}]+$/u;

/**
 * The answer to a shell that completes, a line each: `words`, `list` (a comma may follow), `files` or `folders`; then of each
 * candidate the whole word at the cursor, a tab, and what it means.
 * @param words after the program's name, the last one unfinished
 */
export async function complete(program: Command, words: readonly string[]): Promise<string[]> {
  const { before, start, words: known, value } = wantedAt(program, words);
  const values = value === undefined ? known : await valuesOf(value);
  if (typeof values === 'string') return [values];
  const given = before.split(/[=,]/);
  const fitting = values.filter(
    ({ word }) => word.startsWith(start) && PRINTABLE.test(word) && !given.includes(word),
  );
  return [before.endsWith(',') ? 'list' : 'words', ...fitting.map((one) => lineOf(before, one))];
}

function lineOf(before: string, { word, about = '' }: Candidate): string {
  const [first = ''] = about.split('\n');
  return `${before}${word}\t${first.replaceAll(/\p{C}/gu, ' ')}`;
}

/**
 * Hunks of a unified diff against the lines of one file: no fuzz, every old line must be there. A hunk may stand at
 * another place than its header says only if it fits at exactly one.
 */
import type { StructuredPatchHunk } from 'diff';
import { endingOf, quotedLine, withoutEnding } from './text.js';

/** Why a hunk does not apply. */
export class HunkError extends Error {
  /** From 1; of the file as the patch finds it. */
  readonly line: number;
  readonly detail: string;
  /** The result of the hunk is in the file already. */
  readonly alreadyThere: boolean;

  constructor(line: number, detail: string, alreadyThere = false) {
    super(`line ${line}: ${detail}`);
    this.line = line;
    this.detail = detail;
    this.alreadyThere = alreadyThere;
  }
}

export interface HunksResult {
  lines: string[];
  /** Numbers from 1, in the file as the patch found it, of lines removed or replaced, or before which some were added. */
  changed: number[];
  /** For each hunk, how many lines below its expected place it stood. */
  offsets: number[];
}

/** One line of a hunk: kept, removed or added. */
interface Operation {
  sign: ' ' | '-' | '+';
  text: string;
  noNewline: boolean;
}

/**
 * @param lines the file's lines with their endings
 * @throws HunkError for the first hunk that does not apply
 */
export function applyHunks(lines: readonly string[], hunks: readonly StructuredPatchHunk[]): HunksResult {
  const output: string[] = [];
  const changed: number[] = [];
  const offsets: number[] = [];
  let done = 0;
  let drift = 0;
  for (const [index, hunk] of hunks.entries()) {
    const operations = parseOperations(hunk.lines);
    const expected = hunk.oldStart - 1 + drift;
    const at = findPlace(lines, operations, expected, done, `hunk ${index + 1} of ${hunks.length}`);
    drift += at - expected;
    offsets.push(drift);
    for (; done < at; done++) output.push(lines[done] as string);
    for (const [i, { sign, text, noNewline }] of operations.entries()) {
      if (sign === '-' || (sign === '+' && !replaces(operations, i))) changed.push(done + 1);
      if (sign === '+') output.push(noNewline ? text : text + endingNear(output, lines, done));
      else {
        if (sign === ' ') output.push(lines[done] as string);
        done++;
      }
    }
  }
  for (; done < lines.length; done++) output.push(lines[done] as string);
  return { lines: output, changed: [...new Set(changed)], offsets };
}

/** Whether the line added at `index` stands in for removed ones. */
function replaces(operations: readonly Operation[], index: number): boolean {
  const kept = (from: number, step: number): number => {
    let at = from;
    while (operations[at] !== undefined && operations[at]?.sign !== ' ') at += step;
    return at;
  };
  return operations.slice(kept(index, -1) + 1, kept(index, 1)).some(({ sign }) => sign === '-');
}

function parseOperations(lines: readonly string[]): Operation[] {
  const operations: Operation[] = [];
  for (const line of lines) {
    const sign = line === '' ? ' ' : line[0];
    if (sign === '\\') {
      const last = operations.at(-1);
      if (last) last.noNewline = true;
    } else {
      operations.push({
        sign: sign as Operation['sign'],
        text: line.slice(1).replace(/\r$/, ''),
        noNewline: false,
      });
    }
  }
  return operations;
}

function findPlace(
  lines: readonly string[],
  operations: readonly Operation[],
  expected: number,
  from: number,
  name: string,
): number {
  const old = operations.filter(({ sign }) => sign !== '+');
  const fits = (at: number): boolean => old.every((wanted, i) => matches(lines[at + i], wanted));
  if (expected >= from && expected <= lines.length && fits(expected)) return expected;
  const places: number[] = [];
  if (old.length > 0) {
    for (let at = from; at + old.length <= lines.length; at++) if (fits(at)) places.push(at);
  }
  if (places.length === 1) return places[0] as number;
  if (places.length > 1) {
    const where = places.map((at) => at + 1).join(', ');
    throw new HunkError(expected + 1, `${name} does not fit there, and elsewhere at several lines: ${where}`);
  }
  const fresh = operations.filter(({ sign }) => sign !== '-');
  const alreadyThere = fresh.length > 0 && fresh.every((line, i) => matches(lines[expected + i], line));
  const first = Math.max(
    old.findIndex((wanted, i) => !matches(lines[expected + i], wanted)),
    0,
  );
  const wanted = old[first];
  const found = lines[expected + first];
  throw new HunkError(
    expected + first + 1,
    [
      `${name} does not apply`,
      `expected ${wanted ? quotedLine(wanted.text) : 'a line to add to'}${wanted?.noNewline ? ' without a newline' : ''}`,
      found === undefined
        ? `found the end of the file, which has ${lines.length} lines`
        : `found ${quotedLine(found)}${endingOf(found) === '' ? ' without a newline' : ''}`,
    ].join('\n'),
    alreadyThere,
  );
}

function matches(line: string | undefined, { text, noNewline }: Operation): boolean {
  return line !== undefined && withoutEnding(line) === text && (endingOf(line) === '') === noNewline;
}

/** Added lines end as the line before them does, so that a CRLF file stays one; at the top, as the line below. */
function endingNear(output: readonly string[], lines: readonly string[], next: number): string {
  return endingOf(output.at(-1) ?? '') || endingOf(lines[next] ?? '') || endingOf(lines[0] ?? '') || '\n';
}

import Table from 'cli-table3';
import colors, { oneLine } from './colors.js';

const NOTHING = '';

/** What is told in a cell: one line, or several that are given one by one. */
export type Cell = string | readonly string[];

/** A table without rules, one line a row, wide cells unbroken. Nothing that stands in a cell leaves it. */
export function table(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const made = new Table({
    head: head.map((title) => colors.bold(title)),
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2 },
    chars: {
      top: NOTHING,
      'top-mid': NOTHING,
      'top-left': NOTHING,
      'top-right': NOTHING,
      bottom: NOTHING,
      'bottom-mid': NOTHING,
      'bottom-left': NOTHING,
      'bottom-right': NOTHING,
      left: NOTHING,
      'left-mid': NOTHING,
      mid: NOTHING,
      'mid-mid': NOTHING,
      right: NOTHING,
      'right-mid': NOTHING,
      middle: NOTHING,
    },
  });
  made.push(...rows.map((row) => row.map(shown)));
  return made
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

function shown(cell: Cell): string {
  return typeof cell === 'string' ? oneLine(cell) : cell.map(oneLine).join('\n');
}

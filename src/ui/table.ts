import Table from 'cli-table3';
import colors from 'picocolors';

const NOTHING = '';

/** A table without rules, one line a row, wide cells unbroken. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
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
  made.push(...rows.map((row) => [...row]));
  return made
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

import type { WatchedFrame } from '../../wire/link/watch.js';
import colors, { line } from './colors.js';

/** Columns of a MAC address. */
const MAC_WIDTH = 17;
const ARROWS = { in: '←', out: '→' } as const;

/**
 * A frame as a line for the terminal.
 *
 *     12:00:00.123456 → 02:00:00:00:00:01 > 02:00:00:00:00:02 e0.1  read 8 sectors at LBA 1234
 *     12:00:00.123789 ← 02:00:00:00:00:02 > 02:00:00:00:00:01 e0.1  read 8 sectors at LBA 1234: 8 sectors of data  0.33 ms
 */
export function frameLine(seen: WatchedFrame): string {
  const { kind, text, isTrouble, isRepeated, roundTrip } = seen;
  const paint =
    isTrouble || kind === 'fault'
      ? colors.red
      : kind === 'request'
        ? colors.cyan
        : kind === 'announcement'
          ? colors.magenta
          : colors.green;
  const ends = `${seen.source.padEnd(MAC_WIDTH)} > ${seen.destination.padEnd(MAC_WIDTH)}`;
  const arrow = seen.way === undefined ? ' ' : ARROWS[seen.way];
  return [
    `${colors.dim(clockTime(seen.time))} ${arrow} ${colors.dim(ends)} ${seen.target.padEnd(5)} `,
    paint(line`${kind === 'announcement' ? 'announces itself: ' : ''}${text}`),
    ...(isRepeated ? [colors.yellow('again')] : []),
    ...(roundTrip === undefined ? [] : [colors.dim(`${roundTrip.toFixed(2)} ms`)]),
  ].join(' ');
}

/** "12:00:00.123456", local time. */
function clockTime(milliseconds: number): string {
  const date = new Date(milliseconds);
  const two = (value: number): string => String(value).padStart(2, '0');
  const micros = Math.floor((milliseconds % 1000) * 1000);
  const seconds = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return `${seconds}.${String(micros).padStart(6, '0')}`;
}

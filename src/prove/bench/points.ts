import { UsageError } from '../../base/errors.js';
import { formatSize, parseSize } from '../../base/units.js';
import { SECTOR } from '../../wire/aoe/index.js';

/** One combination that is measured. */
export interface Point {
  /** Bytes a request. */
  size: number;
  /** Requests outstanding. */
  depth: number;
  /** Share of reads in percent. */
  reads: number;
}

/** Most requests outstanding that the generators can tell apart. */
const MOST_DEPTH = 1024;
/** An ATA command of AoE counts sectors in one byte. */
const MOST_SIZE = 255 * SECTOR;

/** "1 KiB read, depth 16" */
export function pointName({ size, depth, reads }: Point): string {
  return `${formatSize(size)} ${mixName(reads)}, depth ${depth}`;
}

/** "read", "write", "70/30" (reads/writes) */
export function mixName(reads: number): string {
  if (reads === 100) return 'read';
  return reads === 0 ? 'write' : `${reads}/${100 - reads}`;
}

/** All combinations, by mix, size, depth. */
export function allPoints(
  sizes: readonly number[],
  depths: readonly number[],
  mixes: readonly number[],
): Point[] {
  return mixes.flatMap((reads) => sizes.flatMap((size) => depths.map((depth) => ({ size, depth, reads }))));
}

/** One run of one contender. */
export interface Turn {
  round: number;
  point: Point;
  /** Index of the contender. */
  contender: number;
}

/**
 * The order of runs: at each point each contender has its turn, A B A B …, then the next point, and all of it again in
 * the next round. So what changes on the machine while it is measured meets all alike.
 */
export function schedule(points: readonly Point[], contenders: number, rounds: number): Turn[] {
  const turns: Turn[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const point of points) {
      for (let contender = 0; contender < contenders; contender++) turns.push({ round, point, contender });
    }
  }
  return turns;
}

/** @throws UsageError if one is no size of requests */
export function parseSizes(text: string): number[] {
  return list(
    text,
    'size',
    (word) => {
      const size = parseSize(word);
      return size % SECTOR === 0 && size >= SECTOR && size <= MOST_SIZE ? size : undefined;
    },
    `multiples of ${SECTOR} bytes up to 255 sectors, such as 1k,8k`,
  );
}

/** @throws UsageError if one is no depth */
export function parseDepths(text: string): number[] {
  return list(
    text,
    'depth',
    (word) => {
      const depth = /^\d+$/.test(word) ? Number(word) : 0;
      return depth >= 1 && depth <= MOST_DEPTH ? depth : undefined;
    },
    `whole numbers from 1 to ${MOST_DEPTH}, such as 1,16,64`,
  );
}

/** @throws UsageError if one is no mix */
export function parseMixes(text: string): number[] {
  return list(
    text,
    'mix',
    (word) => {
      if (word === 'read') return 100;
      if (word === 'write') return 0;
      const match = /^(\d{1,2})\/(\d{1,2})$/.exec(word);
      return match !== null && Number(match[1]) + Number(match[2]) === 100 ? Number(match[1]) : undefined;
    },
    'read, write, or shares of reads and writes that add up to 100, such as 70/30',
  );
}

function list(
  text: string,
  what: string,
  parse: (word: string) => number | undefined,
  expected: string,
): number[] {
  const values = text.split(',').map((word) => {
    const value = parse(word.trim());
    if (value !== undefined) return value;
    throw new UsageError({
      tried: `reading the option --${what} ${text}`,
      happened: `"${word}" is no ${what}`,
      next: `give ${expected}`,
    });
  });
  return [...new Set(values)];
}

/** What is told of an import: alike things together, whatever their number. */
import { formatAddress } from '../../wire/aoe/index.js';
import type { LeftOut, Remark } from './found.js';

/** A remark on one or more lines of a file. */
export interface Told extends Remark {
  /** All its lines, where it has several: "3-52, 60". */
  lines?: string;
}

/** More names would tell nobody more. */
const NAMED = 5;

export function remarksOn(remarks: readonly Remark[], leftOut: readonly LeftOut[]): Told[] {
  const alike = groups(leftOut, ({ place, reason }) => JSON.stringify([place.file, reason]));
  const lacking = alike.map((group): Told => {
    const [{ place, reason }] = group as [LeftOut];
    const names = [...new Set(group.map(nameOf))];
    const more = names.length > NAMED ? `, and ${names.length - NAMED} more` : '';
    const who = names.length === 0 ? 'an export' : names.slice(0, NAMED).join(', ') + more;
    const text = `${who} ${group.length === 1 ? 'is' : 'are'} left out: ${reason}`;
    return { ...place, ...linesOf(group.map((one) => one.place.line)), text };
  });
  const others = groups(remarks, ({ file, text }) => JSON.stringify([file, text])).map((group): Told => {
    const [first] = group as [Remark];
    return { ...first, ...linesOf(group.map(({ line }) => line)) };
  });
  return [...others, ...lacking];
}

export function toldPlace({ file, line, lines }: Told): string {
  return line === undefined ? file : `${file}:${lines ?? line}`;
}

function nameOf({ shelf, slot, implementation }: LeftOut): string {
  return shelf === undefined || slot === undefined
    ? `an export of ${implementation}`
    : formatAddress({ shelf, slot });
}

function groups<T>(all: readonly T[], keyOf: (one: T) => string): T[][] {
  const found = new Map<string, T[]>();
  for (const one of all) {
    const group = found.get(keyOf(one));
    if (group === undefined) found.set(keyOf(one), [one]);
    else group.push(one);
  }
  return [...found.values()];
}

function linesOf(all: readonly (number | undefined)[]): { lines?: string } {
  const lines = [...new Set(all.filter((line) => line !== undefined))].sort((a, b) => a - b);
  if (lines.length < 2) return {};
  const ranges: [number, number][] = [];
  for (const line of lines) {
    const last = ranges.at(-1);
    if (last !== undefined && last[1] === line - 1) last[1] = line;
    else ranges.push([line, line]);
  }
  return { lines: ranges.map(([from, to]) => (from === to ? String(from) : `${from}-${to}`)).join(', ') };
}

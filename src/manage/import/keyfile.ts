/** Key files of GLib: `[group]`, `key=value`, comments with `#`; values with `\s \t \n \r \\` (gkeyfile.c). */
import type { Place } from './found.js';

export interface KeyValue extends Place {
  /** With the space at its end, which belongs to it. */
  value: string;
  /** It has an escape that there is not, and can't be read. */
  isBroken: boolean;
}

/** A line for which the whole file is refused. */
export interface KeyFileFault extends Place {
  text: string;
}

export interface Group extends Place {
  name: string;
  /** A key that is there twice has its last value, as in GLib. */
  keys: Map<string, KeyValue>;
}

/** @returns the groups in their order; a group that is there twice is one */
export function parseKeyFile(file: string, text: string): { groups: Group[]; faults: KeyFileFault[] } {
  const faults: KeyFileFault[] = [];
  const groups = new Map<string, Group>();
  let current: Group | undefined;
  for (const [index, raw] of text.split('\n').entries()) {
    const place = { file, line: index + 1 };
    const line = raw.replace(/\r$/, '').trimStart();
    if (line === '' || line.startsWith('#')) continue;
    const name = /^\[([^[\]]+)\]\s*$/.exec(line)?.[1];
    if (name !== undefined) {
      current = groups.get(name) ?? { ...place, name, keys: new Map() };
      groups.set(name, current);
      continue;
    }
    const [, key, value] = /^([^=[]*?)\s*=\s*(.*)$/s.exec(line) ?? [];
    if (key === undefined || key === '' || value === undefined) {
      faults.push({ ...place, text: `neither a group nor a key with a value: ${line}` });
    } else if (current === undefined) {
      faults.push({ ...place, text: `${key} stands before the first group` });
    } else {
      const isBroken = /(^|[^\\])(\\\\)*\\([^stnr\\]|$)/.test(value);
      current.keys.set(key, { ...place, value: unescaped(value), isBroken });
    }
  }
  return { groups: [...groups.values()], faults };
}

/** Items of a list, separated by commas, with the space around them. */
export function listItems(value: string): string[] {
  const items = value.split(',');
  return items.at(-1) === '' ? items.slice(0, -1) : items;
}

const ESCAPES: Readonly<Record<string, string>> = { s: ' ', t: '\t', n: '\n', r: '\r', '\\': '\\' };

function unescaped(value: string): string {
  return value.replaceAll(/\\(.)/g, (all, letter: string) => ESCAPES[letter] ?? all);
}

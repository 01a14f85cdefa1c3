/** Key files of GLib: `[group]`, `key=value`, comments with `#`; values trimmed, with `\s \t \n \r \\`. */
import type { Place, Remark } from './found.js';

export interface KeyValue extends Place {
  value: string;
}

export interface Group extends Place {
  name: string;
  /** A key that is there twice has its last value, as in GLib. */
  keys: Map<string, KeyValue>;
}

/** @returns the groups in their order; a group that is there twice is one */
export function parseKeyFile(file: string, text: string, remarks: Remark[]): Group[] {
  const groups = new Map<string, Group>();
  let current: Group | undefined;
  for (const [index, raw] of text.split('\n').entries()) {
    const place = { file, line: index + 1 };
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const name = /^\[([^[\]]+)\]$/.exec(line)?.[1];
    if (name !== undefined) {
      current = groups.get(name) ?? { ...place, name, keys: new Map() };
      groups.set(name, current);
      continue;
    }
    const [, key, value] = /^([^=]*?)\s*=\s*(.*)$/.exec(line) ?? [];
    if (key === undefined || key === '' || value === undefined) {
      remarks.push({ ...place, text: `neither a group nor a key with a value: ${line}` });
    } else if (current === undefined) {
      remarks.push({ ...place, text: `${key} stands before the first group: left out` });
    } else {
      current.keys.set(key, { ...place, value: unescaped(value) });
    }
  }
  return [...groups.values()];
}

/** Items of a list, separated by commas; empty ones are none. */
export function listItems(value: string): string[] {
  return value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

const ESCAPES: Readonly<Record<string, string>> = { s: ' ', t: '\t', n: '\n', r: '\r', '\\': '\\' };

function unescaped(value: string): string {
  return value.replaceAll(/\\(.)/g, (all, letter: string) => ESCAPES[letter] ?? all);
}

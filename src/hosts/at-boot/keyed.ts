/** Files of sections, keys and values, as systemd and NetworkManager have them (systemd.syntax(7)). No I/O. */

import { globExpression } from '../../base/glob.js';
export type Keyed = Map<string, [string, string][]>;

export function readKeyed(text: string): Keyed {
  const sections: Keyed = new Map();
  let current: [string, string][] = [];
  for (const line of text.replaceAll(/\\\n/g, ' ').split('\n')) {
    const trimmed = line.trim();
    if (trimmed === '' || /^[#;]/.test(trimmed)) continue;
    const section = /^\[(.*)\]$/.exec(trimmed)?.[1];
    if (section !== undefined) {
      current = sections.get(section) ?? [];
      sections.set(section, current);
      continue;
    }
    const at = trimmed.indexOf('=');
    if (at > 0) current.push([trimmed.slice(0, at).trim(), trimmed.slice(at + 1).trim()]);
  }
  return sections;
}

/** The last value of a key. */
export function lastValue(keyed: Keyed, sections: readonly string[], key: string): string | undefined {
  return sections.flatMap((name) => keyed.get(name) ?? []).findLast(([name]) => name === key)?.[1];
}

/** Whether a name matches one of some patterns of the shell's; those with `!` before them say which do not. */
export function matchesAny(patterns: string, name: string): boolean {
  const words = patterns.split(/\s+/).filter(Boolean);
  const isNot = words[0]?.startsWith('!') ?? false;
  const some = words.some((word) => globExpression(word.replace(/^!/, '')).test(name));
  return some !== isNot;
}

/** Bytes, as systemd writes them: `9000`, `9K`. */
export function bytesOf(text: string | undefined): number | undefined {
  const [, digits, unit = ''] = /^(\d+)([KMG]?)$/.exec(text ?? '') ?? [];
  return digits === undefined ? undefined : Number(digits) * 1024 ** ' KMG'.indexOf(unit || ' ');
}

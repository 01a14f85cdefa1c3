/** `NAME=…` among the words of a command. */
import type { Part } from './parts.js';
import type { Word } from './tokens.js';

export interface Assignment {
  name: string;
  parts: Part[];
  /** `NAME+=…` */
  isAdded: boolean;
}

export function assigned({ parts: [first, ...others] }: Word): Assignment | undefined {
  if (first?.kind !== 'text' || first.isQuoted) return undefined;
  const [all, name, plus] = /^([A-Za-z_]\w*)(\+?)=/.exec(first.text) ?? [];
  if (all === undefined || name === undefined) return undefined;
  const rest: Part = { ...first, text: first.text.slice(all.length) };
  return { name, parts: [rest, ...others], isAdded: plus === '+' };
}

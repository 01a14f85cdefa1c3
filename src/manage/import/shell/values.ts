/** What words become (POSIX.1-2017, Shell Command Language, 2.6), as far as it can be told without running anything. */
import type { Part } from './parts.js';
import type { Word } from './tokens.js';

/** A text, or why it can't be told. */
export type Value = { text: string } | { unknown: string };

const SPACE = /[ \t\n]+/;

/** The variables of a shell, as far as they are known. */
export class Variables {
  readonly #values = new Map<string, Value>();
  /** Folders of users; that of '' is who runs the text. */
  readonly #homes: ReadonlyMap<string, string>;
  /** Why all that is not set behind it can't be told. */
  #doubt: string | undefined;
  /** Variables that are never known, with the reason. */
  readonly #distrusted = new Map<string, string>();
  /** Why words can't be split: IFS was changed. */
  #noSplitting: string | undefined;

  constructor(homes: ReadonlyMap<string, string> = new Map()) {
    this.#homes = homes;
  }

  set(name: string, value: Value): void {
    this.#values.set(name, value);
    if (name === 'IFS') this.#noSplitting ??= 'IFS is changed';
  }

  /** All that was set may have another value by now. */
  forget(reason: string): void {
    this.#values.clear();
    this.#doubt = reason;
    this.#noSplitting ??= reason;
  }

  /** Whatever sets it, it can't be told. */
  distrust(name: string, reason: string): void {
    this.#distrusted.set(name, reason);
    if (name === 'IFS') this.#noSplitting ??= reason;
  }

  /** Undefined if nothing sets it. */
  get(name: string): Value | undefined {
    const reason = this.#distrusted.get(name);
    if (reason !== undefined) return { unknown: reason };
    return this.#values.get(name) ?? (this.#doubt === undefined ? undefined : { unknown: this.#doubt });
  }

  /** A word as the value of an assignment: neither split nor matched with file names. */
  text(word: Word, parts: readonly Part[] = word.parts): Value {
    let text = '';
    for (const part of parts) {
      const value = this.#value(part);
      if ('unknown' in value) return value;
      text += value.text;
    }
    return { text };
  }

  /** A word among the words of a command, which may become several or none. */
  fields(word: Word): Value[] {
    const fields: Value[] = [];
    let current: string | undefined;
    const end = (): void => {
      if (current !== undefined) fields.push({ text: current });
      current = undefined;
    };
    for (const part of word.parts) {
      const value =
        part.kind === 'pattern' ? { unknown: `${word.raw} is matched with file names` } : this.#value(part);
      if ('unknown' in value) return [value];
      if (part.kind !== 'variable' || part.isQuoted) {
        current = (current ?? '') + value.text;
        continue;
      }
      const pieces = this.split(value);
      const [first] = pieces;
      if (first !== undefined && 'unknown' in first) return [first];
      if (/^[ \t\n]/.test(value.text)) end();
      for (const [index, piece] of pieces.entries()) {
        if (index > 0) end();
        if ('text' in piece) current = (current ?? '') + piece.text;
      }
      if (/[ \t\n]$/.test(value.text)) end();
    }
    end();
    return fields;
  }

  /** What a variable's value becomes where it stands without quotes. */
  split(value: Value): Value[] {
    if ('unknown' in value) return [value];
    if (this.#noSplitting !== undefined) return [{ unknown: this.#noSplitting }];
    if (/[*?[\\]/.test(value.text)) return [{ unknown: `${value.text} is matched with file names` }];
    return value.text.split(SPACE).flatMap((text) => (text === '' ? [] : [{ text }]));
  }

  #value(part: Part): Value {
    switch (part.kind) {
      case 'text':
      case 'pattern':
        return { text: part.text };
      case 'variable':
        return this.get(part.name) ?? { unknown: `$${part.name} is not set there` };
      case 'home': {
        const home = part.user === '' ? this.get('HOME') : undefined;
        const folder = this.#homes.get(part.user);
        return home ?? (folder === undefined ? { unknown: `~${part.user} has no folder` } : { text: folder });
      }
      case 'unknown':
        return { unknown: `${part.raw} would have to be run` };
    }
  }
}

/** What a word of a shell's text is made of. */

export type Part =
  | { kind: 'text'; text: string; isQuoted: boolean }
  /** Of characters that match file names, or make several words of one, where words are split. */
  | { kind: 'pattern'; text: string }
  | { kind: 'variable'; name: string; isQuoted: boolean }
  /** `~` or `~user`. */
  | { kind: 'home'; user: string }
  /** What would have to be run, or is not done here. */
  | { kind: 'unknown'; raw: string };

/** Patterns that match where the reader stands, by their sources. */
const STICKY = new Map<string, RegExp>();
const UNCLOSED = 'a quote is never closed';

/** Walks through a text. */
export class Reader {
  readonly text: string;
  position = 0;
  line = 1;

  constructor(text: string) {
    this.text = text;
  }

  isDone(): boolean {
    return this.position >= this.text.length;
  }

  startsWith(one: string): boolean {
    return this.text.startsWith(one, this.position);
  }

  advance(length: number): string {
    const passed = this.text.slice(this.position, this.position + length);
    this.position += length;
    for (const char of passed) if (char === '\n') this.line++;
    return passed;
  }

  /** Passes what an anchored pattern matches, if it does. */
  skip(pattern: RegExp): string | undefined {
    let sticky = STICKY.get(pattern.source);
    if (sticky === undefined) {
      sticky = new RegExp(pattern.source.replace(/^\^/, ''), 'y');
      STICKY.set(pattern.source, sticky);
    }
    sticky.lastIndex = this.position;
    const match = sticky.exec(this.text)?.[0];
    return match === undefined || match === '' ? undefined : this.advance(match.length);
  }

  restOfLine(): string {
    const end = this.text.indexOf('\n', this.position);
    const line = this.text.slice(this.position, end < 0 ? undefined : end);
    this.advance(line.length + 1);
    return line;
  }

  /** @returns the parts of the word that begins here, or why it can't be read */
  word(): Part[] | string {
    const parts: Part[] = [];
    const start = this.position;
    const add = (text: string, isQuoted: boolean): void => {
      const last = parts.at(-1);
      if (last?.kind === 'text' && last.isQuoted === isQuoted) last.text += text;
      else parts.push({ kind: 'text', text, isQuoted });
    };
    while (!this.isDone()) {
      const char = this.text[this.position] as string;
      if (/[ \t\n;&|()<>]/.test(char)) break;
      if (char === '\\') {
        const [, escaped = ''] = this.advance(2);
        if (escaped !== '\n') add(escaped, true);
      } else if (char === "'") {
        const end = this.text.indexOf("'", this.position + 1);
        if (end < 0) return UNCLOSED;
        add(this.advance(end + 1 - this.position).slice(1, -1), true);
      } else if (char === '"') {
        this.advance(1);
        add('', true);
        while (!this.startsWith('"')) {
          if (this.isDone()) return UNCLOSED;
          const plain = this.skip(/^[^"\\$`]+/);
          if (plain !== undefined) add(plain, true);
          else if (this.skip(/^\\\n/) !== undefined) continue;
          else if (this.startsWith('\\')) {
            const escaped = this.advance(2);
            add(/[\\"$`]/.test(escaped[1] ?? '') ? (escaped[1] as string) : escaped, true);
          } else this.#expansion(parts, true, add);
        }
        this.advance(1);
      } else if (char === '$' || char === '`') {
        this.#expansion(parts, false, add);
      } else if (/[*?[\]{}]/.test(char)) {
        parts.push({ kind: 'pattern', text: this.advance(1) });
      } else if (char === '~' && /^([A-Za-z_]\w*=)?$/.test(this.text.slice(start, this.position))) {
        const user = this.skip(/^~[\w.-]*/)?.slice(1) ?? '';
        const isWhole = /^([/:\s;&|()<>]|$)/.test(this.text.slice(this.position, this.position + 1));
        parts.push(isWhole ? { kind: 'home', user } : { kind: 'unknown', raw: `~${user}` });
      } else {
        add(this.skip(/^[^\s;&|()<>\\'"$`*?[\]{}~]+/) ?? this.advance(1), false);
      }
    }
    return parts;
  }

  /** `$…` or a command in backquotes. */
  #expansion(parts: Part[], isQuoted: boolean, add: (text: string, isQuoted: boolean) => void): void {
    const start = this.position;
    const name = this.skip(/^\$(?:[A-Za-z_]\w*|\{[A-Za-z_]\w*\})/)?.replaceAll(/[${}]/g, '');
    if (name !== undefined) {
      parts.push({ kind: 'variable', name, isQuoted });
      return;
    }
    // A bash would read quotes behind it in its own way.
    if (this.skip(/^\$[0-9@*#?$!-]/) === undefined) {
      if (this.startsWith('$(')) this.#balanced('(', ')');
      else if (this.startsWith('${')) this.#balanced('{', '}');
      else if (this.startsWith('`')) this.#backquoted();
      else if (!isQuoted && /^\$['"]/.test(this.text.slice(this.position, this.position + 2)))
        this.advance(1);
      else {
        add(this.advance(1), isQuoted);
        return;
      }
    }
    parts.push({ kind: 'unknown', raw: this.text.slice(start, this.position) });
  }

  /** Passes `$(…)` or `${…}`, as far as its quotes and brackets tell. */
  #balanced(open: string, close: string): void {
    let depth = 0;
    this.advance(1);
    while (!this.isDone()) {
      const char = this.advance(1);
      if (char === '\\') this.advance(1);
      else if (char === "'") this.#upTo("'");
      else if (char === '"') this.skip(/^(?:[^"\\]|\\[\s\S])*"?/);
      else if (char === open) depth++;
      else if (char === close && --depth === 0) return;
    }
  }

  #backquoted(): void {
    this.advance(1);
    this.skip(/^(?:[^`\\]|\\[\s\S])*`?/);
  }

  #upTo(end: string): void {
    const found = this.text.indexOf(end, this.position);
    this.advance((found < 0 ? this.text.length : found + 1) - this.position);
  }
}

/**
 * A shell's text as the commands it runs, and what its variables hold at its end. Nothing is run: what depends on a
 * condition, a loop or an included file is marked as doubtful, with the reason.
 */
import { type Assignment, assigned } from './assigned.js';
import { setByExpansions } from './expansions.js';
import { ShellOptions } from './options.js';
import { type Token, tokenize, type Unreadable, type Word } from './tokens.js';
import { type Value, Variables } from './values.js';

export interface Command {
  /** From 1. */
  line: number;
  /** As it is written. */
  raw: string;
  /** Its words, the program's name first; one that can't be told may stand for several. */
  args: Value[];
  /** Why it can't be told whether it runs. */
  doubt?: string;
  /** Whose output it reads. */
  reads?: Command;
  /** File that its output is written to. */
  writes?: Value;
}

export interface Script {
  commands: Command[];
  variables: Variables;
  /** Line behind which nothing is known to run. */
  end?: { line: number };
  /** Line from which on whatever fails or is not set ends the shell (`set -e`, `set -u`), and whoever included the text. */
  strict?: { line: number };
  /** The shell would refuse the text. */
  unreadable?: Unreadable;
}

interface Frame {
  what: string;
  line: number;
  closer: string;
  /** In a `case`, before the `)` of a pattern. */
  isPattern?: boolean;
}

const OPENERS: ReadonlyMap<string, readonly [what: string, closer: string]> = new Map([
  ['if', ['a condition', 'fi']],
  ['case', ['a condition', 'esac']],
  ['while', ['a loop', 'done']],
  ['until', ['a loop', 'done']],
  ['for', ['a loop', 'done']],
  ['select', ['a loop', 'done']],
  ['{', ['a group', '}']],
]);
const CLOSERS = new Set([...OPENERS.values()].map(([, closer]) => closer));
const BETWEEN = new Set(['then', 'else', 'elif', 'do', '!', 'time']);
const JOINING = new Set(['&&', '||', '|']);

/**
 * The `-e` of a script's first line, which Debian's rc.local has had from its template, is let be: its programs are taken to
 * succeed.
 * @param variables those it begins with
 */
export function readScript(text: string, variables = new Variables()): Script {
  const { tokens, unreadable } = tokenize(text);
  for (const [name, how] of setByExpansions(text)) variables.distrust(name, `${name}: ${how} may set it`);
  const shell = new Shell(variables);
  shell.run(tokens);
  const failure = unreadable ?? shell.failure;
  return {
    commands: shell.commands,
    variables,
    ...(shell.end === undefined ? {} : { end: shell.end }),
    ...(shell.strict === undefined ? {} : { strict: shell.strict }),
    ...(failure === undefined ? {} : { unreadable: failure }),
  };
}

class Shell {
  readonly commands: Command[] = [];
  readonly variables: Variables;
  end: { line: number; isSure: boolean } | undefined;
  strict: { line: number } | undefined;
  failure: Unreadable | undefined;
  readonly #frames: Frame[] = [];
  readonly #functions = new Set<string>();
  /** A function's body is next. */
  #isFunction = false;
  #mayFunctionExit = false;
  readonly #options = new ShellOptions();
  /** Behind `&&` or `||`. */
  #isDependent = false;
  #words: Word[] = [];
  #writes: Word | undefined;
  #pipe: Command | undefined;

  constructor(variables: Variables) {
    this.variables = variables;
  }

  run(tokens: readonly Token[]): void {
    for (let index = 0; index < tokens.length && this.failure === undefined; index++) {
      index = this.#take(tokens, index);
    }
    this.#finish('\n');
    const open = this.#frames[0];
    if (open !== undefined) this.failure ??= { line: open.line, text: `${open.what} is never closed` };
  }

  #setOptions(words: readonly (string | undefined)[], line: number): void {
    if (!this.#options.take(words)) this.end ??= { line, isSure: false };
    if (this.#options.failureEnds || this.#options.unsetEnds) this.strict ??= { line };
  }

  /** @returns index of the last token that was taken */
  #take(tokens: readonly Token[], index: number): number {
    const token = tokens[index] as Token;
    const top = this.#frames.at(-1);
    if (top?.isPattern) return this.#pattern(token, top, index);
    if (token.kind === 'operator') return this.#operator(tokens, token, index);
    const { word } = token;
    if (this.#words.length > 0 || !this.#isReserved(word.raw)) {
      this.#words.push(word);
      return index;
    }
    const opener = OPENERS.get(word.raw);
    if (CLOSERS.has(word.raw)) this.#close(word.raw, word.line);
    else if (opener !== undefined) {
      this.#open(...opener, word.line);
      if (['for', 'select'].includes(word.raw)) {
        const name = textOf(tokens[index + 1]) ?? '';
        this.variables.set(name, { unknown: `${name}: the loop in line ${word.line} sets it` });
        return upTo(tokens, index, ['\n', ';']);
      }
      if (word.raw === 'case') {
        (this.#frames.at(-1) as Frame).isPattern = true;
        return upTo(tokens, index, ['in']);
      }
    } else if (word.raw === 'function') {
      this.#define(tokens[index + 1]);
      return tokens[index + 2]?.kind === 'operator' && textOf(tokens[index + 2]) === '('
        ? index + 3
        : index + 1;
    }
    return index;
  }

  #isReserved(raw: string): boolean {
    return OPENERS.has(raw) || CLOSERS.has(raw) || BETWEEN.has(raw) || raw === 'function';
  }

  #pattern(token: Token, frame: Frame, index: number): number {
    if (textOf(token) === 'esac') this.#close('esac', frame.line);
    else if (token.kind === 'operator' && token.text === ')') frame.isPattern = false;
    return index;
  }

  #operator(
    tokens: readonly Token[],
    { text, line, isGlued }: Token & { kind: 'operator' },
    index: number,
  ): number {
    if (/[<>]/.test(text)) {
      const target = tokens[index + 1];
      const number =
        isGlued && /^\d+$/.test(this.#words.at(-1)?.raw ?? '') ? this.#words.pop()?.raw : undefined;
      if (target?.kind !== 'word') return index;
      if (['>', '>>', '>|'].includes(text) && (number ?? '1') === '1') this.#writes = target.word;
      return index + 1;
    }
    if (text === '(') {
      if (this.#words.length === 1 && textOf(tokens[index + 1]) === ')') {
        this.#define({ kind: 'word', word: this.#words.pop() as Word });
        return index + 1;
      }
      if (this.#words.length > 0) this.variables.forget(`line ${line} can't be read`);
      this.#words = [];
      this.#open('a group', ')', line);
    } else if (text === ')') {
      this.#finish(text);
      this.#close(')', line);
    } else {
      // A line that ends with an operator goes on in the next one.
      const before = tokens[index - 1];
      if (text === '\n' && before?.kind === 'operator' && JOINING.has(before.text)) return index;
      this.#finish(text);
      this.#isDependent = text === '&&' || text === '||' || (text === '|' && this.#isDependent);
      const top = this.#frames.at(-1);
      if (/^;[;&]$/.test(text) && top?.closer === 'esac') top.isPattern = true;
    }
    return index;
  }

  #open(what: string, closer: string, line: number): void {
    this.#frames.push({ what: this.#isFunction ? 'a function' : what, closer, line });
    this.#isFunction = false;
  }

  #close(closer: string, line: number): void {
    this.#finish(';');
    if (this.#frames.at(-1)?.closer === closer) this.#frames.pop();
    else this.failure ??= { line, text: `${closer} closes nothing` };
  }

  #define(name: Token | undefined): void {
    if (name?.kind === 'word') this.#functions.add(name.word.raw);
    this.#isFunction = true;
  }

  /** Why it can't be told whether what comes next runs. */
  #doubt(): string | undefined {
    const [frame] = this.#frames;
    if (frame !== undefined) return `it stands in ${frame.what} (line ${frame.line})`;
    if (this.#isDependent) return 'it depends on how the command before it ends';
    if (this.end?.isSure) return `it stands behind the end of the script (line ${this.end.line})`;
    return this.end && `the script may end before it (line ${this.end.line})`;
  }

  #finish(operator: string): void {
    const words = this.#words;
    const writes = this.#writes && this.variables.text(this.#writes);
    const reads = this.#pipe;
    this.#words = [];
    this.#writes = undefined;
    this.#pipe = undefined;
    if (words.length === 0) return;
    const isApart = reads !== undefined || operator === '|' || operator === '&';
    const doubt = this.#doubt();
    const count = words.findIndex((word) => assigned(word) === undefined);
    const assignments = count < 0 ? words : words.slice(0, count);
    const rest = count < 0 ? [] : words.slice(count);
    for (const word of assignments) {
      const unsure =
        rest.length > 0 ? 'it is set for one command' : isApart ? 'it is set in a process of its own' : doubt;
      this.#assign(word, unsure);
    }
    const [first] = rest;
    const { line } = words[0] as Word;
    if (this.#options.unsetEnds && words.some((word) => this.#isUnset(word)))
      this.end ??= { line, isSure: false };
    if (first === undefined) {
      // What it runs may fail.
      const mayFail = assignments.some(({ parts }) => parts.some(({ kind }) => kind === 'unknown'));
      if (this.#options.failureEnds && mayFail) this.end ??= { line, isSure: false };
      return;
    }
    const args = rest.flatMap((word) => this.variables.fields(word));
    const command: Command = {
      line: first.line,
      raw: rest.map(({ raw }) => raw).join(' '),
      args,
      ...(doubt === undefined ? {} : { doubt }),
      ...(reads === undefined ? {} : { reads }),
      ...(writes === undefined ? {} : { writes }),
    };
    if (operator === '|') this.#pipe = command;
    if (!this.#isBuiltIn(command, rest, doubt, isApart)) this.commands.push(command);
    const isFine = ['set', ':', 'true', 'export', 'readonly'].includes(textOfValue(args[0]) ?? '');
    if (this.#options.failureEnds && operator !== '&' && !isFine) this.end ??= { line, isSure: false };
  }

  #isUnset({ parts }: Word): boolean {
    return parts.some((part) => {
      const value = part.kind === 'variable' ? this.variables.get(part.name) : { text: '' };
      return value === undefined || 'unknown' in value;
    });
  }

  #assign(word: Word, unsure: string | undefined): void {
    const { name, parts, isAdded } = assigned(word) as Assignment;
    const value = this.variables.text(word, parts);
    if (unsure !== undefined) this.variables.set(name, { unknown: `${name}: ${unsure}` });
    else this.variables.set(name, isAdded ? { unknown: `${name} is added to` } : value);
  }

  /** Carries out what changes the shell itself. @returns whether the command is no program */
  #isBuiltIn(command: Command, words: readonly Word[], doubt: string | undefined, isApart: boolean): boolean {
    const { line, args } = command;
    const [first, ...others] = args.map((arg) => ('text' in arg ? arg.text : undefined));
    if (first === undefined) return false;
    // They run the builtin that follows, whatever functions there are.
    if (first === 'command' || first === 'builtin') {
      const skipped = others[0] === '-p' || others[0] === '--' ? 2 : 1;
      return this.#isBuiltIn({ ...command, args: args.slice(skipped) }, words.slice(skipped), doubt, isApart);
    }
    if (this.#functions.has(first)) {
      this.variables.forget(`the function ${first} may set it (line ${line})`);
      if (this.#mayFunctionExit) this.end ??= { line, isSure: false };
      return true;
    }
    switch (first) {
      case 'export':
      case 'readonly':
      case 'local':
      case 'declare':
      case 'typeset':
        for (const word of words.slice(1)) {
          const isSplit = word.parts.some((part) => part.kind === 'variable' && !part.isQuoted);
          const unsure = doubt ?? (isSplit || isApart ? `${word.raw} is split by some shells` : undefined);
          if (assigned(word) !== undefined) this.#assign(word, unsure);
          // A shell may end at what is no name.
          else if (!/^(-\w+|[A-Za-z_]\w*)$/.test(word.raw)) this.end ??= { line, isSure: false };
          if (['declare', 'typeset', 'local'].includes(first) && isFlagged(others, 'n'))
            this.variables.forget(`${word.raw} stands for another variable (line ${line})`);
        }
        // Whatever sets such a variable again, in whatever way, ends the shell.
        if (first === 'readonly' || isFlagged(others, 'r')) this.end ??= { line, isSure: false };
        return true;
      case 'set':
        this.#setOptions(others, line);
        return true;
      // A shell may end at what they can't do, or do things later on.
      case 'shift':
      case 'trap':
      case 'shopt':
      case 'enable':
      case 'kill':
        this.end ??= { line, isSure: false };
        return first !== 'kill';
      case '.':
      case 'source':
        this.variables.forget(`the file included in line ${line} may set it`);
        return false;
      case 'eval':
      case 'alias':
        this.variables.forget(`${first} in line ${line} may set it`);
        return false;
      case 'read':
      case 'unset':
      case 'let':
      case 'getopts':
      case 'mapfile':
      case 'readarray':
      case 'printf':
        for (const name of others) {
          if (name === undefined) this.variables.forget(`${first} in line ${line} may set it`);
          else if (first !== 'printf' || others[0] === '-v')
            this.variables.set(name, { unknown: `${name}: ${first} sets it` });
        }
        return false;
      case 'exec':
      case 'exit':
      case 'return':
        if (first !== 'exec' || others.length > 0) this.#ends(first, line, doubt, isApart);
        return first !== 'exec';
    }
    return false;
  }

  #ends(how: string, line: number, doubt: string | undefined, isApart: boolean): void {
    const isOfFunction = this.#frames.some(({ what }) => what === 'a function');
    if (isOfFunction) this.#mayFunctionExit ||= how !== 'return';
    const isOfOwn = isApart || this.#frames.some(({ closer }) => closer === ')');
    if (!isOfFunction && !isOfOwn) this.end ??= { line, isSure: doubt === undefined };
  }
}

function isFlagged(args: readonly (string | undefined)[], flag: string): boolean {
  return args.some((arg) => arg !== undefined && /^-\w+$/.test(arg) && arg.includes(flag));
}

function textOfValue(value: Value | undefined): string | undefined {
  return value !== undefined && 'text' in value ? value.text : undefined;
}

function textOf(token: Token | undefined): string | undefined {
  return token?.kind === 'word' ? token.word.raw : token?.text;
}

/** Index of the next token of these texts, or of the last one. */
function upTo(tokens: readonly Token[], index: number, ends: readonly string[]): number {
  let found = index + 1;
  while (found < tokens.length && !ends.includes(textOf(tokens[found]) ?? '')) found++;
  return found;
}

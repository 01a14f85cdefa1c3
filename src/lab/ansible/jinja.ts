/** Templates of this package, which are Handlebars, as those of Ansible, which are Jinja: one source for both. No I/O. */
import { parseTemplate } from '../../templating.js';

export interface Translation {
  /** Name of the dictionary that holds the template's variables. */
  root: string;
  /** Variables that stand for something else there: name → expression. */
  instead?: Readonly<Record<string, string>>;
  /** Names of those that are true or false, which the two languages write in different ways. */
  flags?: ReadonlySet<string>;
}

/** What a dictionary of Python's has by itself, before what it holds is looked at. */
const METHODS = /^(clear|copy|fromkeys|get|items|keys|pop|popitem|setdefault|update|values)$/;

/**
 * Translates a template; what it makes of the same variables is the same, letter by letter, where blocks swallow the end of
 * their line (trim_blocks, as Ansible has it).
 * @throws TypeError for what no template of this package has: other helpers than each, if and unless, paths upwards
 */
export function toJinja(template: string, translation: Translation): string {
  const writer = new Writer();
  const { body } = parseTemplate(template);
  translate(body, { ...translation, own: undefined }, writer);
  return writer.end();
}

interface Scope extends Translation {
  /** The variable of the innermost loop. */
  own: string | undefined;
}

function translate(body: readonly hbs.AST.Statement[], scope: Scope, writer: Writer): void {
  for (const statement of body) {
    if (isContent(statement)) writer.text(statement.value);
    else if (isMustache(statement)) {
      const word = expression(statement.path, scope);
      const isFlag = scope.flags?.has(lastName(statement.path)) ?? false;
      writer.value(isFlag ? `${word} | lower` : word);
    } else if (isBlock(statement)) block(statement, scope, writer);
    else throw new TypeError(`no translation of a ${statement.type}`);
  }
}

function block(
  { path, params, program, inverse }: hbs.AST.BlockStatement,
  scope: Scope,
  writer: Writer,
): void {
  const helper = lastName(path);
  const [subject] = params;
  if (subject === undefined) throw new TypeError(`${helper} without a variable`);
  const word = expression(subject, scope);
  if (helper === 'each') {
    const own = `one_${lastName(subject).replace(/s$/, '')}`;
    writer.tag(`for ${own} in ${word}`);
    translate(program.body, { ...scope, own }, writer);
    writer.tag('endfor');
    return;
  }
  if (helper !== 'if' && helper !== 'unless') throw new TypeError(`no translation of the helper ${helper}`);
  writer.tag(helper === 'if' ? `if ${word}` : `if not ${word}`);
  translate(program.body, scope, writer);
  if (inverse !== undefined && inverse !== null) {
    writer.tag('else');
    translate(inverse.body, scope, writer);
  }
  writer.tag('endif');
}

function expression(path: hbs.AST.Expression | hbs.AST.Literal, { root, own, instead = {} }: Scope): string {
  if (!isPath(path) || path.depth > 0) throw new TypeError(`no translation of ${JSON.stringify(path)}`);
  const parts = path.parts.map(String);
  if (path.data) {
    const meaning = { first: 'loop.first', last: 'loop.last', index: 'loop.index0' }[parts.join('.')];
    if (meaning === undefined) throw new TypeError(`no translation of @${parts.join('.')}`);
    return meaning;
  }
  const faulty = parts.find((part) => METHODS.test(part));
  if (faulty !== undefined) throw new TypeError(`${faulty} is no name that a variable can have in Jinja`);
  const [only] = parts;
  if (own === undefined && parts.length === 1 && only !== undefined && Object.hasOwn(instead, only)) {
    return instead[only] as string;
  }
  return [own ?? root, ...parts].join('.');
}

function lastName(path: hbs.AST.Expression | hbs.AST.Literal): string {
  return isPath(path) ? String(path.parts.at(-1) ?? 'this') : '';
}

/** A tag that stands alone keeps its line; the end of any other line is kept by `+`. */
class Writer {
  #out = '';
  /** The last thing written is a tag: alone on its line so far, or behind something. */
  #tag: 'alone' | 'behind' | undefined;

  text(text: string): void {
    if (text === '') return;
    this.#close(text);
    // What Jinja would take for a beginning of its own; also where one of its own follows.
    this.#out += text.replaceAll(/\{[{%#]|\{$/g, (sign) => `{{ '${sign}' }}`);
  }

  value(expression: string): void {
    this.#close('');
    this.#out += `{{ ${expression} }}`;
  }

  tag(words: string): void {
    this.#close('');
    this.#tag = this.#out === '' || this.#out.endsWith('\n') ? 'alone' : 'behind';
    this.#out += `{% ${words} %}`;
  }

  end(): string {
    this.#close('');
    return this.#out;
  }

  #close(next: string): void {
    if (this.#tag === 'alone') this.#out += '\n';
    else if (this.#tag === 'behind' && next.startsWith('\n')) {
      this.#out = `${this.#out.slice(0, -'%}'.length)}+%}`;
    }
    this.#tag = undefined;
  }
}

function isContent(node: hbs.AST.Node): node is hbs.AST.ContentStatement {
  return node.type === 'ContentStatement';
}

function isMustache(node: hbs.AST.Node): node is hbs.AST.MustacheStatement {
  return node.type === 'MustacheStatement';
}

function isBlock(node: hbs.AST.Node): node is hbs.AST.BlockStatement {
  return node.type === 'BlockStatement';
}

function isPath(node: hbs.AST.Node): node is hbs.AST.PathExpression {
  return node.type === 'PathExpression';
}

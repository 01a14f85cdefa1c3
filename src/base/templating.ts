/**
 * Handlebars for command lines and configuration files: nothing is escaped, and a variable that is not there is an
 * error rather than an empty word. The library loads with the first template that needs it.
 */
import { createRequire } from 'node:module';
import { UsageError } from './errors.js';

type Handlebars = typeof import('handlebars');

/** A command line of templates; arguments with `when` are passed only where that variable is set and true. */
export type Argv = readonly (string | { when: string; args: readonly string[] })[];

let handlebars: Handlebars | undefined;

function load(): Handlebars {
  // In the bundled programs there is a require, and what it names becomes part of them.
  const library: Handlebars =
    typeof require === 'function' ? require('handlebars') : createRequire(import.meta.url)('handlebars');
  handlebars ??= library.create();
  return handlebars;
}

/**
 * Renders one template. A variable that may be unset must be present with the value `undefined`.
 * @throws UsageError if the template can't be parsed or names a variable that is not there
 */
export function render(template: string, variables: object): string {
  if (!template.includes('{{')) return template;
  try {
    return load().compile(template, { noEscape: true, strict: true })(variables);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new UsageError({
      tried: `rendering the template ${shortened(template)}`,
      happened: message.replace(/^(".*?") not defined in \[object Object\].*$/, 'there is no variable $1'),
      next: `known here: ${Object.keys(variables).sort().join(', ') || 'no variables at all'}`,
      cause: error,
    });
  }
}

/**
 * Renders a template of a regular expression: what is put into it stands for itself.
 * @throws UsageError as `render`
 */
export function renderExpression(template: string, variables: object): RegExp {
  const literal = Object.entries(variables).map(([name, value]) => [
    name,
    typeof value === 'string' ? value.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&') : value,
  ]);
  return new RegExp(render(template, Object.fromEntries(literal)));
}

/**
 * A command from a recipe. An item `{when, args}` adds its arguments if the variable is set and true (an array: not
 * empty); where they name `item` and the variable is an array, once for each of its items.
 * @throws UsageError as `render`
 */
export function renderArgv(argv: Argv, variables: object): string[] {
  return argv.flatMap((item) => {
    if (typeof item === 'string') return [render(item, variables)];
    const value = (variables as Record<string, unknown>)[item.when];
    if (!value || (Array.isArray(value) && value.length === 0)) return [];
    const repeated = Array.isArray(value) && item.args.some((text) => /\{\{[^}]*\bitem\b/.test(text));
    const rounds = repeated ? value : [value];
    return rounds.flatMap((one) => item.args.map((text) => render(text, { ...variables, item: one })));
  });
}

function shortened(template: string): string {
  const first = template.split('\n', 1)[0] as string;
  return first === template && first.length <= 80 ? `"${first}"` : `"${first.slice(0, 60)} …"`;
}

// biome-ignore-all lint/suspicious/noTemplateCurlyInString: shells have such words
/** Templates in two languages, which make the same text of the same variables. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { toJinja } from '../../../src/lab/ansible/jinja.js';
import { packageRoot } from '../../../src/paths.js';
import { loopFunctions } from '../../../src/storage/loop.js';
import { render } from '../../../src/templating.js';
import { noJinja, renderJinja } from './jinja.js';

const reason = noJinja();
const titled = (title: string): string => (reason === undefined ? title : `${title} (skipped: ${reason})`);
const testJinja = reason === undefined ? test : test.skip;

const PLACES = ['templates', 'templates/persist'];
/** What scripts have in common is put in before they are translated. */
const again = readFileSync(join(packageRoot, 'templates', 'persist', 'again.hbs'), 'utf8');
const texts = PLACES.flatMap((folder) =>
  readdirSync(join(packageRoot, folder))
    .filter((name) => /\.(conf|service|sh|json)\.hbs$/.test(name) && !name.startsWith('sqaoed'))
    .map((name) => ({
      name,
      text: readFileSync(join(packageRoot, folder, name), 'utf8')
        .replace('{{> again}}\n', () => again)
        .replace('{{> loops}}\n', loopFunctions),
    })),
);

const word = fc.string({ unit: 'grapheme', maxLength: 12 });
const words = fc.array(word, { maxLength: 3 });
const flag = fc.boolean();

const oneExport = fc.record({
  name: word,
  path: word,
  shelf: fc.nat(),
  slot: fc.nat(),
  iface: word,
  directIo: flag,
  readOnly: flag,
  sync: flag,
  broadcast: flag,
  queueLength: fc.option(fc.nat()),
  macs: words,
  macList: word,
});

/** Every variable that a template names, lists and dictionaries where it asks for them. */
const variables = fc
  .record({
    exports: fc.array(oneExport, { maxLength: 3 }),
    ...Object.fromEntries(
      ['interfaces', 'needs', 'needed', 'before', 'writable', 'devices'].map((name) => [name, words]),
    ),
    ...Object.fromEntries(
      ['add', 'remove'].map((name) => [
        name,
        fc.array(fc.record({ line: word, path: word }), { maxLength: 2 }),
      ]),
    ),
    ...Object.fromEntries(['scripts', 'reversed', 'builds', 'modules'].map((name) => [name, words])),
    ...Object.fromEntries(['daemon', 'compiles'].map((name) => [name, flag])),
  })
  .map((lists) => lists as Record<string, unknown>);

/** A template's own names that are given nothing above. */
function complete(text: string, given: Record<string, unknown>): Record<string, unknown> {
  const names = [...text.matchAll(/\{\{(\w+)\}\}/g)].map((match) => match[1] as string);
  return { ...Object.fromEntries(names.map((name) => [name, `<${name}> {{ x }} {% y %}`])), ...given };
}

testJinja(titled('what a template makes of the same variables is the same, letter by letter'), (t) => {
  const cases = texts
    .filter(({ name }) => name !== 'dkms.conf.hbs')
    .flatMap(({ name, text }) => {
      const listed = /\{\{#each load\}\}/.test(text) ? { load: ['one', 'two'] } : {};
      return fc.sample(variables, 10).map((given) => {
        const all = complete(text, { ...given, ...listed, exportsJson: 'as it is' });
        return { name, text, all };
      });
    });
  const translated = cases.map(({ text, all }) => ({
    template: toJinja(text, { root: 'unit', flags: new Set(['directIo', 'readOnly', 'sync', 'broadcast']) }),
    variables: { unit: all },
  }));
  const rendered = renderJinja(translated);
  t.true(cases.length >= 80);
  for (const [index, { name, text, all }] of cases.entries()) {
    t.is(rendered[index], render(text, all), `${name} of ${JSON.stringify(all)}`);
  }
});

const TEXTS: [string, string][] = [
  ['a line for each, alone on its line', 'a\n{{#each list}}\n- {{this}}\n{{/each}}\nb\n'],
  ['several on a line, its end kept', 'a{{#each list}} {{this}}{{/each}}\nb\n'],
  ['an end of line right behind, of which one is kept', 'x{{#if on}}y{{/if}}\n\n\nb'],
  ['commas between', '{{#each list}}{{#unless @first}},{{/unless}}{{this}}{{@index}}{{/each}}\n'],
  ['what Jinja would take for its own', '{% if {# {{on}} ${#list} #} %} {'],
  ['a brace right before a value', '{ {{on}} }\n${on}{'],
  ['else, alone and not', '{{#if off}}\nx\n{{else}}\ny\n{{/if}}\n{{#if off}}x{{else}}y{{/if}}\n'],
  [
    'blocks in blocks',
    '{{#if on}}\n{{#each list}}\n{{#if this}}\n{{this}}\n{{/if}}\n{{/each}}\n{{/if}}\n\nend',
  ],
];

testJinja(titled('blocks keep and lose the ends of their lines as they do in Handlebars'), (t) => {
  const given = { on: 'yes', off: false, list: ['p', 'q'] };
  const all = TEXTS.map(([, text]) => ({
    template: toJinja(text, { root: 'unit' }),
    variables: { unit: given },
  }));
  for (const [index, text] of renderJinja(all).entries()) {
    const [title, template] = TEXTS[index] as [string, string];
    t.is(text, render(template, given), title);
  }
});

test('what has no translation is told', (t) => {
  for (const text of [
    '{{#with a}}x{{/with}}',
    '{{../a}}',
    '{{a.items}}',
    '{{#each @root}}x{{/each}}',
    '{{> part}}',
  ]) {
    t.throws(() => toJinja(text, { root: 'unit' }), { instanceOf: TypeError }, text);
  }
});

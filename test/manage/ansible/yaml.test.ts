/** What is written for Ansible arrives there as it was: through its parser, and through its templates. */
import { spawnSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { parse } from 'yaml';
import { toYaml } from '../../../src/manage/ansible/yaml.js';
import { temporaryFolder } from '../../base/temporary.js';
import { noProgram } from './tools.js';

const reason = noProgram('ansible-playbook');

/** What means something to YAML 1.1, to Jinja, or to a shell. */
const LOADED = [
  ...[
    'yes',
    'On',
    'n',
    '~',
    'null',
    '.inf',
    '1:30',
    '0644',
    '0o17',
    '1_000',
    '2026-11-24',
    '1e3',
    '=',
    '<<',
    '25',
    '',
  ],
  ...[
    '{{ 7*7 }}',
    '{% if %}',
    '{# x #}',
    '{{ lookup("pipe", "id") }}',
    '{',
    '{{',
    '}}',
    '{ {',
    '!unsafe x',
    '{{ "{{" }}',
  ],
  ...[
    "it's",
    '"q"',
    "'",
    '\\',
    '\\n',
    '$HOME',
    '`id`',
    '$(id)',
    '%h',
    '#x',
    ' # x',
    '- x',
    ': x',
    'x: y',
    '? x',
  ],
  ...[
    ' x',
    'x ',
    '  ',
    'ünï 漢字 😀',
    '\u00a0',
    '&a',
    '*a',
    '|',
    '>',
    '@x',
    '[x',
    'x]',
    '{x: y}',
    '---',
    '...',
  ],
];

const piece = fc.oneof(
  fc.constantFrom(...LOADED),
  fc.string({ unit: 'grapheme', maxLength: 8 }),
  fc.stringMatching(/^[{}%#"'\\$ :-]{1,10}$/),
);
// Others are refused (see faults.ts).
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is left out
const printable = /^[^\0-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]*$/u;
const hostile = fc
  .array(piece, { minLength: 1, maxLength: 4 })
  .map((pieces) => pieces.join(''))
  .filter((text) => printable.test(text));

test('no word means anything to a reader of YAML', (t) => {
  fc.assert(
    fc.property(fc.array(hostile), (texts) => {
      const customTags = [{ tag: '!unsafe', resolve: (text: string) => text }];
      t.deepEqual(parse(toYaml({ texts }), { version: '1.1', customTags }), { texts });
      return true;
    }),
  );
});

const title = 'hostile words go through the YAML and the Jinja of Ansible unchanged';
(reason === undefined ? test : test.skip)(
  reason === undefined ? title : `${title} (skipped: ${reason})`,
  async (t) => {
    const folder = await temporaryFolder(t);
    const texts = [...LOADED, ...fc.sample(hostile, 400)];
    const data = {
      texts,
      nested: texts.map((text) => ({ text, lines: `${text}\n{{ x }}\n${text}` })),
      flag: true,
      number: 25,
    };
    const output = join(folder, 'output.json');
    await writeFile(
      join(folder, 'inventory.yml'),
      toYaml({ all: { hosts: { here: { ansible_connection: 'local' } } } }),
    );
    await writeFile(join(folder, 'data.yml'), toYaml({ data }));
    await writeFile(join(folder, 'data.j2'), '{{ [data, nested, texts_of] | to_json }}');
    const play = {
      hosts: 'all',
      gather_facts: false,
      vars_files: ['data.yml'],
      tasks: [
        { 'ansible.builtin.set_fact': { nested: "{{ data.nested | map(attribute='text') | list }}" } },
        {
          'ansible.builtin.template': { src: 'data.j2', dest: output, mode: '0600' },
          vars: { texts_of: "{{ data.nested | map('combine', {'more': 1}) | map(attribute='text') }}" },
        },
      ],
    };
    // Its expressions are meant to be evaluated.
    await writeFile(join(folder, 'play.yml'), toYaml([play]).replaceAll('!unsafe ', ''));
    const run = spawnSync('ansible-playbook', ['-i', 'inventory.yml', 'play.yml'], {
      cwd: folder,
      encoding: 'utf8',
    });
    t.is(run.status, 0, `${run.stdout}${run.stderr}`);
    t.deepEqual(JSON.parse(await readFile(output, 'utf8')), [data, texts, texts]);
  },
);

import test from 'ava';
import fc from 'fast-check';
import { parse } from 'yaml';
import { bounded, escapeJson, escapeLine, escapeText, isPrintable, shorten } from '../../src/base/escape.js';
import { writeLab } from '../../src/manage/lab/write.js';
import { OBEYED } from '../face/ui/obeyed.js';

/** Text of any characters, those that terminals obey and lone surrogates among them. */
const odd = fc
  .array(
    fc.oneof(
      fc.integer({ min: 0, max: 0xa0 }),
      fc.integer({ min: 0x2000, max: 0x2070 }),
      fc.integer({ min: 0, max: 0xffff }),
    ),
  )
  .map((codes) => String.fromCharCode(...codes));

for (const [text, shown] of [
  ['\x1b[31mred\x1b[0m', '\\x1b[31mred\\x1b[0m'],
  ['bell\x07, delete\x7f, C1 \x9b2J', 'bell\\x07, delete\\x7f, C1 \\x9b2J'],
  ['gpj.\u202eexe', 'gpj.\\u202eexe'],
  ['a\u2066b\u2069', 'a\\u2066b\\u2069'],
  ['zero\u200bwidth\ufeff', 'zero\\u200bwidth\\ufeff'],
  ['line\u2028paragraph\u2029', 'line\\u2028paragraph\\u2029'],
  ['half \ud800', 'half \\ud800'],
  ['tag \u{e0041}', 'tag \\u{e0041}'],
  ['naïve 磁盘 диск 💾', 'naïve 磁盘 диск 💾'],
  ['back\\slash', 'back\\slash'],
] as const) {
  test(`shown as ${shown}`, (t) => {
    t.is(escapeText(text), shown);
    t.is(escapeLine(text), shown);
  });
}

test('of several lines their ends and tabs stay; one line has neither', (t) => {
  t.is(escapeText('a\tb\r\nc\rd\n'), 'a\tb\nc\\rd\n');
  t.is(escapeLine('a\tb\r\nc'), 'a\\tb\\r\\nc');
});

test('whatever the text, nothing is left that a terminal obeys', (t) => {
  fc.assert(
    fc.property(odd, (text) => {
      t.notRegex(escapeText(text), OBEYED);
      t.notRegex(escapeLine(text), OBEYED);
      t.true(isPrintable(escapeLine(text)));
    }),
  );
});

test('JSON keeps its values, and holds nothing that a terminal obeys', (t) => {
  fc.assert(
    fc.property(fc.dictionary(odd, odd), (value) => {
      const json = escapeJson(JSON.stringify(value, undefined, 2));
      t.deepEqual(JSON.parse(json), JSON.parse(JSON.stringify(value)));
      t.notRegex(json, OBEYED);
    }),
  );
});

test('a lab keeps its values as well', (t) => {
  for (const file of [
    '/a\x1b[2Jb',
    '/a\x85b',
    '/gpj.\u202eexe',
    '/a\nb\tc',
    '/\u200b',
    '/plain 磁盘',
    '/# x',
    '/\u{e0041}"',
  ]) {
    const text = writeLab({
      name: 'lab',
      hosts: [{ name: 'h', ssh: 'here' }],
      segments: [],
      exports: [
        {
          host: 'h',
          address: { shelf: 0, slot: 1 },
          implementation: 'native',
          iface: 'e\x9b0',
          file,
          options: {},
        },
      ],
    });
    t.notRegex(text, OBEYED);
    const [one] = (parse(text) as { exports: { file: string; interface: string }[] }).exports;
    t.deepEqual([one?.file, one?.interface], [file, 'e\x9b0']);
  }
});

test('what is too long is cut, and says by how much', (t) => {
  t.is(shorten('abcdef', 4), 'abcd… (2 more)');
  t.is(shorten('💾💾💾', 3), '💾💾💾');
  t.is(escapeLine('x'.repeat(401)), `${'x'.repeat(400)}… (1 more)`);
  t.deepEqual(bounded(['a', 'b', 'c'], 2), ['a', 'b', '… and 1 more']);
  t.deepEqual(bounded(['a', 'b'], 2), ['a', 'b']);
});

import test from 'ava';
import { packageRoot } from '../../src/base/files/paths.js';
import { emptyRooms, importsIn, parseTable, tableOf, trespasses } from '../../tools/wings.js';

const TABLE = parseTable(`
| \`base/\` | \`files\` | nothing |
| \`wire/\` | \`aoe\`, \`link\` | \`base\` |
| \`hosts/\` | \`host\` | \`base\` |
| \`serve/\` | \`exports\` | \`base\`, \`wire\`, \`hosts\` |
`);

test('every import of the package keeps to the table in docs/architecture.md, and every room of the table is there', async (t) => {
  const [table, imports] = [await tableOf(packageRoot), await importsIn(packageRoot)];
  t.deepEqual(trespasses(table, imports), []);
  t.deepEqual(emptyRooms(table, imports), []);
  t.true(imports.get('serve/exports/entry.ts')?.includes('base/errors.ts'));
});

const ALLOWED: [from: string, to: string][] = [
  ['wire/link/hub.ts', 'wire/link/clock.ts'],
  ['wire/link/hub.ts', 'wire/aoe/frame.ts'],
  ['wire/link/hub.ts', 'base/errors.ts'],
  ['serve/exports/persist/render.ts', 'serve/exports/entry.ts'],
  ['serve/exports/entry.ts', 'serve/exports/persist/render.ts'],
  ['serve/exports/entry.ts', 'hosts/host/host.ts'],
  ['index.ts', 'wire/link/hub.ts'],
];

for (const [from, to] of ALLOWED) {
  test(`${from} may import ${to}`, (t) => {
    t.deepEqual(trespasses(TABLE, new Map([[from, [to]]])), []);
  });
}

const FORBIDDEN: [from: string, to: string, why: string][] = [
  ['base/errors.ts', 'wire/aoe/frame.ts', 'a wing above'],
  ['base/errors.ts', 'base/files/paths.ts', 'a room of the wing, from beside the rooms'],
  ['wire/aoe/frame.ts', 'wire/link/hub.ts', 'a room above in the same wing'],
  ['wire/link/hub.ts', 'hosts/host/host.ts', 'a wing beside'],
  ['wire/link/hub.ts', 'index.ts', 'the face of the package'],
  ['serve/exports/entry.ts', 'target/entry.ts', 'a wing that the table lacks'],
];

for (const [from, to, why] of FORBIDDEN) {
  test(`${from} may not import ${to}: ${why}`, (t) => {
    const [line, ...others] = trespasses(TABLE, new Map([[from, [to]]]));
    t.deepEqual(others, []);
    t.is(
      line,
      `src/${from} imports ${to}: ${from.split('/').slice(0, -1).slice(0, 2).join('/')}/ may not know it`,
    );
  });
}

test('a room that the table lacks, and one without a file, are told', (t) => {
  t.deepEqual(trespasses(TABLE, new Map([['wire/radio/send.ts', []]])), [
    'src/wire/radio/send.ts: the table has no room wire/radio/',
  ]);
  t.deepEqual(emptyRooms(TABLE, new Map([['wire/link/hub.ts', []]])), [
    'base/files',
    'wire/aoe',
    'hosts/host',
    'serve/exports',
  ]);
});

test('a page without a table, and a row that names a wing below it, are errors', (t) => {
  t.throws(() => parseTable('# Architecture'), { message: /no table/ });
  t.throws(() => parseTable('| `base/` | `files` | `wire` |'), { message: /wire\/, which no row above/ });
});

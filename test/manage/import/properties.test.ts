/** What we render ourselves is read back as it was, and no text whatever is too much for a parser. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { packageRoot } from '../../../src/base/files/paths.js';
import { render } from '../../../src/base/templating.js';
import { here } from '../../../src/hosts/host/local.js';
import type { Found } from '../../../src/manage/import/found.js';
import { parseGgaoed } from '../../../src/manage/import/ggaoed.js';
import { parseQaoed } from '../../../src/manage/import/qaoed.js';
import { parseVblade } from '../../../src/manage/import/vblade.js';
import { EntryStore, type ExportEntry } from '../../../src/serve/exports/entry.js';
import { daemonVariables } from '../../../src/serve/exports/variables.js';
import { temporaryFolder } from '../../base/temporary.js';
import { entryOf } from '../../serve/exports/entries.js';

const INTERFACES = ['eth0', 'eth1', 'bond0.5'];

const mac = fc
  .array(fc.integer({ min: 0, max: 255 }), { minLength: 5, maxLength: 5 })
  .map((bytes) => ['02', ...bytes.map((byte) => byte.toString(16).padStart(2, '0'))].join(':'));

/** Paths that both configurations can hold. */
const path = fc.stringMatching(/^\/[A-Za-z0-9_.,:+@%/-]{1,60}$/);

const entries = fc.uniqueArray(
  fc.record({
    shelf: fc.integer({ min: 0, max: 0xfffe }),
    slot: fc.integer({ min: 0, max: 0xfe }),
    iface: fc.constantFrom(...INTERFACES),
    path,
    readOnly: fc.boolean(),
    directIo: fc.boolean(),
    sync: fc.boolean(),
    broadcast: fc.boolean(),
    queueLength: fc.option(fc.integer({ min: 1, max: 1024 }), { nil: undefined }),
    macs: fc.uniqueArray(mac, { maxLength: 4 }),
  }),
  { minLength: 1, maxLength: 8, selector: ({ shelf, slot, iface }) => `${shelf}.${slot}@${iface}` },
);

type Spec = (typeof entries extends fc.Arbitrary<infer All> ? All : never) extends (infer One)[]
  ? One
  : never;

async function renderer(t: ExecutionContext, name: string): Promise<(specs: readonly Spec[]) => string> {
  process.env.AOE_LAB_STATE = await temporaryFolder(t);
  const store = await EntryStore.open(here);
  const template = readFileSync(join(packageRoot, 'templates', name), 'utf8');
  return (specs) => {
    const members = specs.map(({ shelf, slot, iface, path: opened, ...options }) => {
      const { queueLength, ...others } = options;
      const part: Partial<ExportEntry> = { shelf, slot, iface };
      const all = { ...others, ...(queueLength === undefined ? {} : { queueLength }) };
      return { entry: entryOf({ ...part, options: all }), path: opened };
    });
    const variables = daemonVariables(store, entryOf({}), members, { folder: '/run/d', logFile: '/run/log' });
    return render(template, variables);
  };
}

function taken({ exports }: Found): object[] {
  return exports.map(({ shelf, slot, iface, path: opened, options }) => ({
    shelf,
    slot,
    iface,
    path: opened,
    options,
  }));
}

/** Options as an export has them: what is false or empty is left out. */
function set(options: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(options).filter(([, value]) => value && !(Array.isArray(value) && value.length === 0)),
  );
}

for (const release of ['1.1', '0.9']) {
  test.serial(`ggaoed ${release}: the parser of what we render gives back the exports`, async (t) => {
    const rendered = await renderer(t, `ggaoed-${release}.conf.hbs`);
    fc.assert(
      fc.property(entries, (specs) => {
        const found = parseGgaoed('f', rendered(specs), { interfaces: INTERFACES });
        t.deepEqual(
          taken(found),
          specs.map(({ sync: _, broadcast, macs, ...one }) => {
            const { shelf, slot, iface, path: opened, ...options } = one;
            const access = macs.length > 0 ? { macs, broadcast } : {};
            return { shelf, slot, iface, path: opened, options: set({ ...options, ...access }) };
          }),
        );
        t.true(found.exports.every((one) => one.release === (release === '0.9' ? '0.9' : undefined)));
        t.true(found.remarks.length <= 1, JSON.stringify(found.remarks));
      }),
      { numRuns: 60 },
    );
  });
}

test.serial('qaoed: the parser of what we render gives back the exports', async (t) => {
  const rendered = await renderer(t, 'qaoed.conf.hbs');
  fc.assert(
    fc.property(entries, (specs) => {
      const found = parseQaoed('f', rendered(specs));
      t.deepEqual(
        taken(found),
        specs.map(({ shelf, slot, iface, path: opened, readOnly, sync, macs }) => ({
          ...{ shelf, slot, iface, path: opened },
          options: set({ readOnly, sync, macs }),
        })),
      );
      t.deepEqual(found.remarks, []);
    }),
    { numRuns: 60 },
  );
});

/** Text that is random, and text made of what the languages are made of. */
const PIECES = [
  '[',
  ']',
  '{',
  '}',
  '=',
  ';',
  '#',
  '/*',
  '*/',
  '"',
  "'",
  '\\',
  '$(',
  '`',
  '\n',
  ' ',
  ',',
  '-m',
  '-b',
  '0',
  '99999999999999999999',
];
const WORDS = [
  'shelf',
  'slot',
  'path',
  'device',
  'default',
  'acl',
  'access-list',
  'name',
  'accept',
  'options',
  'netif',
  'filename',
  'defaults',
  'acls',
  'interfaces',
  'target',
  'eth*',
  '02:00:00:00:00:01',
  '__proto__',
  'constructor',
];
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 400 }),
  fc.array(fc.constantFrom(...PIECES, ...WORDS), { maxLength: 200 }).map((parts) => parts.join('')),
  fc.array(fc.constantFrom(...PIECES, ...WORDS), { maxLength: 200 }).map((parts) => parts.join(' ')),
);

test('no text makes a parser throw; what it finds is within bounds, and remarks have their lines', (t) => {
  fc.assert(
    fc.property(text, (content) => {
      const lines = content.split('\n').length;
      for (const found of [
        parseVblade('f', content),
        parseGgaoed('f', content, { interfaces: INTERFACES }),
        parseQaoed('f', content),
      ]) {
        for (const { shelf, slot, path: opened, iface } of found.exports) {
          t.true(shelf >= 0 && shelf <= 0xfffe && slot >= 0 && slot <= 0xfe);
          t.true(opened !== undefined && iface !== undefined);
        }
        for (const { place, reason } of found.leftOut) t.true(place.file === 'f' && reason !== '');
        for (const { file, line = 1, text: words } of found.remarks) {
          t.is(file, 'f');
          t.true(line >= 1 && line <= lines && words !== '');
        }
      }
    }),
    { numRuns: 3000 },
  );
});

test('deep nesting and long lines are read in time that grows with their length', (t) => {
  const deep = 'a { '.repeat(50_000);
  t.is(parseQaoed('f', deep).exports.length, 0);
  t.is(parseGgaoed('f', '['.repeat(100_000), { interfaces: INTERFACES }).exports.length, 0);
  t.is(parseVblade('f', `options=${"'".repeat(100_001)}`).exports.length, 0);
});

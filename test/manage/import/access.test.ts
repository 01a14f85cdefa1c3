/** Whom a lab admits, and to what, never goes beyond what the set-up it was made of did. */
import test from 'ava';
import fc from 'fast-check';
import type { FoundExport } from '../../../src/manage/import/found.js';
import { parseGgaoed } from '../../../src/manage/import/ggaoed.js';
import { parseQaoed } from '../../../src/manage/import/qaoed.js';
import { parseVbladeFile } from '../../../src/manage/import/vblade-forms.js';

const MACS = ['02:00:00:00:00:01', '02:00:00:00:00:02', '02:00:00:00:00:03', '02:00:00:00:00:04'];
const STRANGER = '02:00:00:00:00:99';
const SURROUNDINGS = { interfaces: ['eth0'], ethers: new Map([['client', MACS[3] as string]]) };

/** Whether a lab's export admits an initiator. */
function admits({ options }: FoundExport, mac: string): boolean {
  return options.macs === undefined || options.macs.includes(mac);
}

const item = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...MACS) },
  fc.constantFrom('one', 'two', 'client', 'nobody', ' 02:00:00:00:00:02', '2:0:0:0:0:3', ''),
);
const list = fc.option(fc.array(item, { maxLength: 4 }), { nil: undefined });
const said = fc.option(fc.constantFrom('true', 'false', '1', '0', 'yes', 'true '), { nil: undefined });

test('E: ggaoed: no list, mask or flag of a lab is wider', (t) => {
  let taken = 0;
  fc.assert(
    fc.property(list, list, list, list, said, said, (one, two, accept, deny, readOnly, broadcast) => {
      const line = (key: string, value: readonly string[] | string | undefined): string =>
        value === undefined ? '' : `${key}=${typeof value === 'string' ? value : value.join(',')}\n`;
      const text = `[acls]\n${line('one', one)}${line('two', two)}[a]\nshelf=0\nslot=1\npath=/srv/a\ninterfaces=eth0\n${line('accept', accept)}${line('deny', deny)}${line('read-only', readOnly)}${line('broadcast', broadcast)}`;
      const { exports } = parseGgaoed('f', text, SURROUNDINGS);
      taken += exports.length;
      for (const found of exports) {
        for (const mac of [...MACS, STRANGER]) {
          if (admits(found, mac)) t.true(ggaoedAdmits(mac, { one, two }, accept, deny), text);
        }
        const isWritable = readOnly === undefined || /^(false|0)$/.test(readOnly.trim());
        if (!found.options.readOnly) t.true(isWritable, text);
      }
    }),
    { numRuns: 2000 },
  );
  t.true(taken > 100, String(taken));
});

/** As resolve_acls and the check of device.c: what can't be resolved is passed over, and an empty list is none. */
function ggaoedAdmits(
  mac: string,
  acls: { one: string[] | undefined; two: string[] | undefined },
  accept: readonly string[] | undefined,
  deny: readonly string[] | undefined,
): boolean {
  const resolve = (items: readonly string[], known: ReadonlyMap<string, string[]>): string[] =>
    items.flatMap((item, index) => {
      // Space behind the = belongs to no item.
      const one = index === 0 ? item.trimStart() : item;
      if (/^([0-9a-f]{1,2}:){5}[0-9a-f]{1,2}/.test(one)) {
        return [
          one
            .split(':')
            .map((part) => part.padStart(2, '0'))
            .join(':'),
        ];
      }
      return known.get(one) ?? (one === 'client' ? [MACS[3] as string] : []);
    });
  const known = new Map<string, string[]>();
  if (acls.one !== undefined) known.set('one', resolve(acls.one, known));
  if (acls.two !== undefined) known.set('two', resolve(acls.two, known));
  const accepted = accept && resolve(accept, known);
  const denied = deny && resolve(deny, known);
  if (accepted !== undefined && accepted.length > 0 && !accepted.includes(mac)) return false;
  return denied === undefined || denied.length === 0 || !denied.includes(mac);
}

const rule = fc.record({
  kind: fc.constantFrom('accept', 'reject'),
  mac: fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...MACS) },
    fc.constantFrom('00:00:00:00:00:00', 'guest'),
  ),
});
const qaoedList = fc.record({
  rules: fc.array(rule, { maxLength: 4 }),
  policy: fc.option(fc.constantFrom('accept', 'reject'), { nil: undefined }),
});
const OPERATIONS = ['read', 'write', 'cfgread', 'cfgset'] as const;
const operations = fc.record(
  Object.fromEntries(
    OPERATIONS.map((name) => [
      name,
      fc.option(fc.constantFrom('a', 'b', 'c', 'lost'), { nil: undefined, freq: 2 }),
    ]),
  ),
);

test('E: qaoed: nobody can read, write or configure who could not', (t) => {
  let taken = 0;
  fc.assert(
    fc.property(
      fc.tuple(qaoedList, qaoedList, qaoedList),
      operations,
      operations,
      ([a, b, c], own, general) => {
        const lists = { a, b, c };
        const block = (rules: object): string =>
          `acl { ${Object.entries(rules)
            .map(([name, value]) => (value === undefined ? '' : `${name} = ${value};`))
            .join(' ')} }`;
        const text = [
          ...Object.entries(lists).map(
            ([name, { rules, policy }]) =>
              `access-list { name = ${name}; ${policy ? `policy = ${policy};` : ''} ${rules.map(({ kind, mac }) => `${kind} = ${mac};`).join(' ')} }`,
          ),
          `default { ${block(general)} }`,
          `device { target = /srv/a; shelf = 0; slot = 1; interface = eth0; ${block(own)} }`,
        ].join('\n');
        const { exports } = parseQaoed('f', text);
        taken += exports.length;
        for (const found of exports) {
          for (const operation of OPERATIONS) {
            if (operation === 'write' && found.options.readOnly) continue;
            const name = (own[operation] ?? general[operation]) as keyof typeof lists | undefined;
            for (const mac of [...MACS, STRANGER]) {
              if (!admits(found, mac) || name === undefined) continue;
              const { rules, policy } = lists[name];
              const first = rules.find((one) => one.mac === mac)?.kind ?? policy ?? 'reject';
              t.is(first, 'accept', `${operation} by ${mac}:\n${text}`);
            }
          }
        }
      },
    ),
    { numRuns: 2000 },
  );
  t.true(taken > 100, String(taken));
});

/** MACs as people write them, and as vblade's parseether takes them (aoe.c). */
const written = fc.constantFrom(
  ...MACS,
  '020000000002',
  '02:00:0000:00:03',
  '2:0:0:0:0:1',
  '02-00-00-00-00-04',
  'x',
  '',
);

function vbladeMasks(text: string): string[] {
  return text.split(',').flatMap((one) => {
    const bytes: string[] = [];
    let at = 0;
    for (let count = 0; count < 6; count++) {
      if (at + 2 > one.length) return [];
      const value = Number.parseInt(one.slice(at, at + 2), 16);
      bytes.push(((Number.isNaN(value) ? 0 : value) & 0xff).toString(16).padStart(2, '0'));
      at += one[at + 2] === ':' ? 3 : 2;
    }
    return [bytes.join(':')];
  });
}

test('E: vblade: the masks of every form are those that vblade reads, or the export is left out', (t) => {
  let taken = 0;
  fc.assert(
    fc.property(
      fc.array(written, { minLength: 1, maxLength: 3 }),
      fc.array(written, { maxLength: 2 }),
      fc.boolean(),
      (one, two, isReadOnly) => {
        const [first, second] = [one.join(','), two.join(',')];
        const more = second === '' ? '' : `-m ${second}`;
        const options = `${isReadOnly ? '-r' : ''} -m ${first} ${more}`;
        const all = [...vbladeMasks(first), ...(second === '' ? [] : vbladeMasks(second))];
        const forms: [string, string[]][] = [
          [`shelf=0\nslot=1\nnetif=eth0\nfilename=/srv/a\noptions='${options}'\n`, all],
          [`config_a="${options} 0 1 eth0 /srv/a"\n`, all],
          [`#!/bin/sh\nvblade 0 1 eth0 /srv/a ${options}\n`, all],
          [`[Service]\nExecStart=vblade ${options} 0 1 eth0 /srv/a\n`, all],
          [`eth0 0 1 /srv/a ${first}\n`, vbladeMasks(first)],
        ];
        for (const [text, masks] of forms) {
          const { exports } = parseVbladeFile('f', text, new Map());
          taken += exports.length;
          for (const found of exports) {
            if (first === '' && text.startsWith('eth0 ')) continue;
            for (const mac of [...MACS, STRANGER])
              if (admits(found, mac)) t.true(masks.length === 0 || masks.includes(mac), text);
            if (isReadOnly && !text.startsWith('eth0 ')) t.true(found.options.readOnly, text);
          }
        }
      },
    ),
    { numRuns: 500 },
  );
  t.true(taken > 200, String(taken));
});

test('E: a list that names zeros, broadcast or a group is left out: a lab refuses such', (t) => {
  for (const mac of ['00:00:00:00:00:00', 'ff:ff:ff:ff:ff:ff', '01:00:5e:00:00:01']) {
    const list = `${MACS[0]},${mac}`;
    const found = [
      parseVbladeFile('f', `eth0 0 1 /srv/a ${list}\n`, new Map()),
      parseGgaoed('f', `[a]\nshelf=0\nslot=1\npath=/srv/a\ninterfaces=eth0\naccept=${list}\n`, SURROUNDINGS),
    ];
    // qaoed's own examples have zeros for "nobody".
    if (mac !== '00:00:00:00:00:00') {
      const text = `access-list { name = a; accept = ${MACS[0]}; accept = ${mac}; }
device { target = /srv/a; shelf = 0; slot = 1; interface = eth0; acl { read = a; write = a; } }`;
      found.push(parseQaoed('f', text));
    }
    for (const { exports, leftOut } of found) {
      t.deepEqual(exports, []);
      t.regex(leftOut[0]?.reason ?? '', new RegExp(`names ${mac}: `));
    }
  }
});

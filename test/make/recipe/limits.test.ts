/** What the recipes let through, against what the programs have room for (read in their sources). */

import test from 'ava';
import { allows } from '../../../src/make/recipe/allows.js';
import { loadRecipe, select } from '../../../src/make/recipe/load.js';
import type { ExportOptions } from '../../../src/serve/exports/entry.js';
import { refuseUnspeakable } from '../../../src/serve/exports/plan.js';
import { checkSpec } from '../../../src/serve/exports/spec.js';
import { entryOf } from '../../serve/exports/entries.js';

const MACS = Array.from({ length: 300 }, (_, at) => `02:00:00:00:${at >> 8}0:${(at & 255).toString(16)}`);

interface Asked {
  options?: ExportOptions;
  iface?: string;
}

async function refusal(name: string, release: string, { options = {}, iface = 'eth0' }: Asked) {
  const recipe = await loadRecipe(name);
  const { control } = select(recipe, release);
  try {
    checkSpec(name, release, control, { shelf: 0, slot: 1, iface, path: '/x', options });
    const entry = entryOf({ shelf: 0, slot: 1, iface });
    refuseUnspeakable({ control, implementation: name, release }, entry);
  } catch (error) {
    return (error as Error).message;
  }
  return undefined;
}

const macs = (count: number): ExportOptions => ({ macs: MACS.slice(0, count) });

/** The most that is taken, and the least beyond it that is not. */
const BOUNDS: [string, string, Asked, Asked, RegExp][] = [
  ...['25', '21', '20', '19'].flatMap((release): typeof BOUNDS => [
    ['vblade', release, { options: macs(32) }, { options: macs(33) }, /33 is not in 0…32: .*room for 32/],
    [
      'vblade',
      release,
      { options: { bufferCount: 2 } },
      { options: { bufferCount: 1 } },
      /1 is not in 2…65535: .*never makes a device/,
    ],
    ['vblade', release, { iface: 'a-b' }, { iface: '-r' }, /the interface -r/],
  ]),
  ...['1.1', '0.9'].flatMap((release): typeof BOUNDS => [
    ['ggaoed', release, { iface: 'br-lan.5' }, { iface: 'eth*' }, /the interface eth\*/],
    ['ggaoed', release, { iface: 'a_b' }, { iface: 'a,b' }, /the interface a,b/],
  ]),
  ['ggaoed', '1.1', { options: macs(255) }, { options: macs(256) }, /256 is not in 0…255/],
  ['ggaoed', '0.9', { options: macs(300) }, { options: { queueLength: 2048 } }, /2048 is not in 4…1024/],
  ['ggaoed', '1.1', { options: { queueLength: 2 } }, { options: { queueLength: 1 } }, /never makes a device/],
  ['qaoed', 'trunk', { iface: 'types' }, { iface: 'type' }, /the interface type/],
  ['qaoed', 'trunk', { iface: 'a.b' }, { iface: 'a;b' }, /the interface a;b/],
  ['qaoed', 'trunk', {}, { options: { broadcast: true } }, /has no --broadcast/],
  ['aoeserver', 'trunk', {}, { options: macs(1) }, /has no --mac/],
  ['vblade-kernel', 'stand-in', { options: { queueLength: 2 } }, { options: { queueLength: 1 } }, /device/],
  ['native', '1', { options: { bufferCount: 2 } }, { options: { bufferCount: 1 } }, /never makes a device/],
];

for (const [name, release, taken, refused, words] of BOUNDS) {
  test(`A16, B10: ${name} ${release} takes ${said(taken)} and not ${said(refused)}`, async (t) => {
    t.is(await refusal(name, release, taken), undefined);
    t.regex((await refusal(name, release, refused)) ?? 'it was taken', words);
  });
}

function said({ options, iface }: Asked): string {
  if (options?.macs !== undefined) return `${options.macs.length} MACs`;
  return iface === undefined ? JSON.stringify(options ?? {}) : `an interface ${iface}`;
}

test('A16: a path is measured in bytes, and only blanks of ASCII are blanks', (t) => {
  t.true(allows('^\\S{1,4}$', 'éé'));
  t.false(allows('^\\S{1,4}$', 'ééé'));
  t.true(allows('^\\S+$', 'a\u00a0b'));
  t.false(allows('^\\S+$', 'a b'));
  t.true(allows(undefined, 'a b'));
});

for (const [name, path] of [
  ['aoeserver', `/dev/${'x'.repeat(64)}`],
  ['kvblade', `/dev/${'x'.repeat(251)}`],
  ['vblade-kernel', '/dev/my disk'],
  ['qaoed', '/*/disk'],
] as const) {
  test(`A16: ${name} is not told a path that its line or its parser has no room for`, async (t) => {
    const { control } = await loadRecipe(name);
    t.false(allows(control.path, path));
    t.true(allows(control.path, '/dev/disk/by-id/wwn-0x5000c500a1b2c3d4'));
  });
}

test('A18: that one thread of ggaoed serves all its exports is named, of each release', async (t) => {
  const { quirks } = await loadRecipe('ggaoed');
  const quirk = quirks.find(({ id }) => id === 'one-thread');
  t.regex(quirk?.text ?? '', /A disk that does not answer .* holds up the others/);
  t.is(quirk?.releases, undefined);
});

import test from 'ava';
import { loadRecipe, select } from '../../../src/make/recipe/load.js';
import type { ExportEntry, WireState } from '../../../src/serve/exports/entry.js';
import { type Successor, translate } from '../../../src/serve/migrate/translate.js';
import { backingOf, entryOf } from '../exports/entries.js';

const NOTHING: WireState = { configString: '', masks: [], reservation: [] };
const A = '02:00:00:00:00:01';
const B = '02:00:00:00:00:02';

async function successor(name: string, version?: string): Promise<Successor> {
  const recipe = await loadRecipe(name);
  const selected = select(recipe, version);
  const { release } = selected;
  return {
    implementation: name,
    release: release.version,
    control: selected.control,
    quirks: recipe.quirks,
  };
}

const whole = entryOf({}).backing.size / 512;

interface Case {
  title: string;
  entry: Partial<ExportEntry>;
  state?: WireState | null;
  to: [string, string?];
  options?: ExportEntry['options'];
  losses?: RegExp[];
  notes?: RegExp[];
  obstacles?: RegExp[];
}

const CASES: Case[] = [
  {
    title: 'a part of a file can not be given to a target without offset and length',
    entry: { options: { offset: 8, length: 100 } },
    to: ['ggaoed', '1.1'],
    obstacles: [/has no --offset/, /has no --length/],
  },
  {
    title: 'a namespace can not be given to a kernel module, nor a restart policy',
    entry: { netns: 'lab', restart: 'on-failure' },
    to: ['kvblade'],
    obstacles: [/namespace lab/],
    losses: [/--restart on-failure/],
    notes: [/gets a loop device/],
  },
  {
    title: 'what a target has nothing like is a loss',
    entry: { options: { directIo: true, sync: true, readOnly: true } },
    to: ['ggaoed', '1.1'],
    options: { directIo: true, readOnly: true },
    losses: [/--sync: ggaoed 1\.1 has nothing like it; what is acknowledged/],
  },
  {
    title: 'a value beyond what the target can do becomes the nearest one, which is a loss',
    entry: { options: { queueLength: 100 } },
    to: ['ggaoed', '0.9'],
    options: { queueLength: 64 },
    losses: [/--queue-length 100 becomes 64/],
  },
  {
    title: 'more addresses than the target takes are no loss to agree to',
    entry: {
      options: {
        macs: Array.from({ length: 256 }, (_, i) => `02:00:00:00:00:${i.toString(16).padStart(2, '0')}`),
      },
    },
    to: ['vblade', '25'],
    obstacles: [/takes 32 addresses, and the export has 256/],
  },
  {
    title: 'state that can not be read has to be agreed to',
    entry: {},
    state: null,
    to: ['native'],
    losses: [/can't be read from this host/],
  },
  {
    title: 'a mask list of two is lost on a vblade that was not patched',
    entry: { implementation: 'native' },
    state: { ...NOTHING, masks: [A, B] },
    to: ['vblade', '20'],
    losses: [/MAC mask list .*can hold 1 only/],
  },
  {
    title: 'a mask list of two is carried over to vblade 25',
    entry: { implementation: 'native' },
    state: { ...NOTHING, masks: [A, B] },
    to: ['vblade', '25'],
  },
  {
    title: 'A16: a mask list that is longer than the room for it is lost',
    entry: { implementation: 'native' },
    state: { ...NOTHING, masks: Array.from({ length: 33 }, (_, i) => `02:00:00:00:00:${i + 10}`) },
    to: ['vblade', '25'],
    losses: [/MAC mask list .*can hold 32 only/],
  },
  {
    title: 'masks and reservations are lost where a target knows none',
    entry: { implementation: 'native' },
    state: { configString: '', masks: [A], reservation: [B] },
    to: ['ggaoed', '0.9'],
    losses: [/MAC mask list .*has none/, /reservation for .*knows none/],
  },
  {
    title: 'options that both have stay as they are',
    entry: {
      options: { readOnly: true, macs: [A, B], bufferCount: 16, offset: 8, length: 100, broadcast: false },
    },
    to: ['native'],
    options: { readOnly: true, macs: [A, B], bufferCount: 16, offset: 8, length: 100 },
  },
  {
    title: 'how many requests may be outstanding goes by either name',
    entry: { options: { bufferCount: 16 } },
    to: ['ggaoed', '1.1'],
    options: { queueLength: 16 },
    notes: [/--buffer-count 16 is given to ggaoed 1\.1 as --queue-length/],
  },
  {
    title: 'an offset and length that say the whole file are left out',
    entry: { options: { offset: 0, length: whole } },
    to: ['ggaoed', '1.1'],
  },
  {
    title: 'a path that a configuration can not express gets a loop device',
    entry: { backing: backingOf({ path: '/srv/my disk' }) },
    to: ['qaoed'],
    notes: [/gets a loop device on \/srv\/my disk/],
  },
  {
    title: 'that a config string is forgotten later is told',
    entry: { implementation: 'native' },
    state: { ...NOTHING, configString: 'eA==' },
    to: ['vblade', '25'],
    notes: [/config string is carried over/],
  },
];

for (const { title, entry, state = NOTHING, to, ...expected } of CASES) {
  test(title, async (t) => {
    const made = translate(entryOf(entry), state, await successor(...to));
    for (const kind of ['losses', 'notes', 'obstacles'] as const) {
      const wanted = expected[kind] ?? [];
      t.is(made[kind].length, wanted.length, made[kind].join('\n'));
      for (const [index, pattern] of wanted.entries()) t.regex(made[kind][index] ?? '', pattern);
    }
    if ((expected.obstacles ?? []).length === 0) t.deepEqual(made.options, expected.options ?? {});
  });
}

test('what is lost of the state is not carried over, the rest is', async (t) => {
  const state = { configString: 'eA==', masks: [A, B], reservation: [A] };
  const { state: taken } = translate(entryOf({}), state, await successor('vblade', '20'));
  t.deepEqual(taken, { ...state, masks: [] });
});

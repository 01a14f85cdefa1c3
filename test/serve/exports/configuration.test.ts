/** What the templates of the daemons render from entries. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { packageRoot } from '../../../src/base/files/paths.js';
import { render } from '../../../src/base/templating.js';
import { here } from '../../../src/hosts/host/local.js';
import { loadRecipe, select } from '../../../src/make/recipe/load.js';
import { EntryStore, type ExportEntry } from '../../../src/serve/exports/entry.js';
import { daemonVariables, exportedPath } from '../../../src/serve/exports/variables.js';
import { temporaryFolder } from '../../base/temporary.js';
import { backingOf, entryOf } from './entries.js';

async function rendered(
  t: ExecutionContext,
  name: string,
  version: string,
  parts: Partial<ExportEntry>[],
): Promise<string[]> {
  process.env.AOE_LAB_STATE = await temporaryFolder(t);
  const recipe = await loadRecipe(name);
  const { control } = select(recipe, version);
  if (control.shape !== 'daemon') throw new TypeError(`${name} is no daemon`);
  const store = await EntryStore.open(here);
  const members = await Promise.all(
    parts.map(async (part) => {
      const entry = entryOf({ backing: backingOf({ path: `/srv/disk${part.slot}` }), ...part });
      return { entry, path: await exportedPath(store, entry) };
    }),
  );
  const variables = daemonVariables(store, entryOf({}), members, { folder: '/run/d', logFile: '/run/log' });
  const template = readFileSync(join(packageRoot, 'templates', control.config.template), 'utf8');
  return render(template, variables)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#') && !line.startsWith('/*'));
}

const macs = ['02:00:00:00:00:01', '02:00:00:00:00:02'];
const exports: Partial<ExportEntry>[] = [
  { slot: 1, options: { readOnly: true, queueLength: 8 } },
  { slot: 2, iface: 'eth1', options: { macs, directIo: true, sync: true } },
];

test.serial('ggaoed 1.1: defaults, then a section an export with its own settings', async (t) => {
  t.deepEqual(await rendered(t, 'ggaoed', '1.1', exports), [
    '[defaults]',
    'pid-file=/run/d/pid',
    'control-socket=/run/d/ctl',
    'state-directory=/run/d',
    'interfaces=eth0,eth1',
    '[e0.1-eth0]',
    'path=/srv/disk1',
    'shelf=0',
    'slot=1',
    'interfaces=eth0',
    'direct-io=false',
    'read-only=true',
    'queue-length=8',
    '[e0.2-eth1]',
    'path=/srv/disk2',
    'shelf=0',
    'slot=2',
    'interfaces=eth1',
    'direct-io=true',
    'read-only=false',
    `accept=${macs.join(',')}`,
    'broadcast=false',
  ]);
});

test.serial('ggaoed 0.9 has no state directory and asks for more buffers', async (t) => {
  const lines = await rendered(t, 'ggaoed', '0.9', exports);
  t.false(lines.some((line) => line.startsWith('state-directory')));
  t.true(lines.includes('buffers=64'));
  t.is(lines.filter((line) => line.startsWith('[')).length, 3);
});

test.serial('qaoed: every block it opens is closed, lists are named by their export', async (t) => {
  const lines = await rendered(t, 'qaoed', 'trunk', exports);
  const text = lines.join('\n');
  t.is(text.match(/\{/g)?.length, text.match(/\}/g)?.length);
  t.is(text.match(/^interface \{/gm)?.length, 2);
  t.is(text.match(/^device \{/gm)?.length, 2);
  t.deepEqual(
    lines.filter((line) => /^(cfgread|cfgset|read|write|writecache) /.test(line)),
    [
      'writecache = on;',
      'write = nobody;',
      'writecache = off;',
      'cfgread = list1;',
      'cfgset = list1;',
      'read = list1;',
      'write = list1;',
    ],
  );
  t.deepEqual(
    lines.filter((line) => line.startsWith('accept')),
    ['accept = 00:00:00:00:00:00;', ...macs.map((mac) => `accept = ${mac};`)],
  );
  t.true(lines.every((line) => line.endsWith(';') || line.endsWith('{') || line === '}'));
});

for (const [name, version] of [
  ['native', '1'],
  ['ggaoed', '1.1'],
  ['qaoed', 'trunk'],
] as const) {
  test.serial(`A1: ${name} is told the name that stays with a disk, and never its number`, async (t) => {
    const backing = backingOf({ kind: 'device', path: '/dev/sdb', opens: '/dev/disk/by-id/wwn-1' });
    const text = (await rendered(t, name, version, [{ slot: 1, backing }])).join('\n');
    t.regex(text, /(path=|target = |"path": ")\/dev\/disk\/by-id\/wwn-1\b/);
    t.notRegex(text, /\/dev\/sdb/);
  });
}

test.serial(
  '13: native is told of locks and orders to clear; while it takes an export over, what was set can be set again',
  async (t) => {
    const options = { lockAccess: true };
    const [text] = [
      (
        await rendered(t, 'native', '1', [
          { slot: 1, options, phase: 'running', accessCleared: 'order 1' },
          { slot: 2, options, phase: 'moving' },
          { slot: 3, options, phase: 'returning' },
          { slot: 4, options: { lockAccess: false }, phase: 'running' },
        ])
      ).join('\n'),
    ];
    const { exports: told } = JSON.parse(text ?? '') as {
      exports: { locked: boolean; accessCleared: string | null }[];
    };
    t.deepEqual(
      told.map(({ locked, accessCleared }) => [locked, accessCleared]),
      [
        [true, 'order 1'],
        [false, null],
        [false, null],
        [false, null],
      ],
    );
  },
);

test.serial(
  'native is told of what it keeps by a name that outlives loop devices, and of what it has to keep of others',
  async (t) => {
    process.env.AOE_LAB_STATE = await temporaryFolder(t);
    const store = await EntryStore.open(here);
    const loop = (part: Partial<ExportEntry>) =>
      entryOf({ ...part, backing: backingOf({ path: '/srv/a', loop: true }) });
    const members = [
      { entry: entryOf({ slot: 1 }), path: '/srv/disk' },
      { entry: loop({ slot: 2 }), path: '/dev/loop7' },
      { entry: loop({ slot: 3, persist: true }), path: '/run/x' },
    ];
    const { exports, retainedJson } = daemonVariables(store, entryOf({}), members, {
      folder: '/run/d',
      logFile: '/run/log',
      retained: [entryOf({ slot: 4, held: 'in use' }), loop({ slot: 5 })],
    });
    t.deepEqual(
      exports.map(({ keptAs }) => keptAs),
      [null, '/srv/a on eth0', null],
    );
    t.deepEqual(JSON.parse(retainedJson), [
      { shelf: 0, slot: 4, keptAs: '/srv/disk' },
      { shelf: 0, slot: 5, keptAs: '/srv/a on eth0' },
    ]);
  },
);

import test from 'ava';
import { isOpenToRoot, type Step } from '../../../src/base/files/trust.js';
import { LocalHost } from '../../../src/hosts/host/local.js';
import { loadRecipes, withRelease } from '../../../src/make/recipe/load.js';
import { EntryStore } from '../../../src/serve/exports/entry.js';
import { capabilitiesOf } from '../../../src/serve/exports/rights.js';
import { rightsWarnings } from '../../../src/serve/exports/rights-warnings.js';
import { temporaryFolder } from '../../base/temporary.js';
import { backingOf, entryOf } from './entries.js';

const control = { ...entryOf({}).control, capabilities: ['net_raw' as const, 'dac_override' as const] };

test('a process gets CAP_DAC_OVERRIDE only where its file is closed to root', (t) => {
  const of = (part: Parameters<typeof backingOf>[0]) =>
    capabilitiesOf([entryOf({ control: control as never, backing: backingOf(part) })]);
  t.deepEqual(of({ closed: false }), ['net_raw']);
  t.deepEqual(of({ closed: true }), ['net_raw', 'dac_override']);
  t.deepEqual(of({}), ['net_raw', 'dac_override'], 'an earlier version did not record it');
  t.deepEqual(of({ closed: true, loop: true }), ['net_raw'], 'a loop device is root’s');
});

test('a daemon gets it whatever it serves: other files may come to it', async (t) => {
  const { control } = await recipe('native');
  const entry = entryOf({ control, backing: backingOf({ closed: false }) });
  t.deepEqual(capabilitiesOf([entry]), ['net_raw', 'dac_override', 'ipc_lock']);
});

test('a recipe that says nothing has what units of earlier versions had', (t) => {
  t.deepEqual(capabilitiesOf([entryOf({})]), ['net_raw', 'net_admin', 'dac_override', 'ipc_lock']);
});

test('each recipe of a program says what it needs, and nobody CAP_NET_ADMIN or CAP_SYS_ADMIN', async (t) => {
  for (const recipe of await loadRecipes()) {
    for (const release of recipe.releases) {
      const { control } = withRelease(recipe, release);
      if (control.shape === 'control-file' || release.unavailable !== undefined) continue;
      t.true(control.capabilities?.includes('net_raw'), recipe.name);
      const all = ['net_raw', 'dac_override', 'ipc_lock'];
      t.deepEqual(
        control.capabilities?.filter((name) => !all.includes(name)),
        [],
        recipe.name,
      );
    }
  }
});

test('where nothing takes rights from a target it is told, unless the manager does or it does so itself', async (t) => {
  process.env.AOE_LAB_STATE = await temporaryFolder(t);
  const warningsOf = async (says: string, runsSystemd: boolean, part: Parameters<typeof entryOf>[0]) => {
    const host = new LocalHost();
    const store = await EntryStore.open(host);
    host.run = async () => ({ exitCode: 0, stdout: `${says}\n`, stderr: '', duration: 0 });
    host.stat = async () => (runsSystemd ? { kind: 'directory', size: 0, blocks: 0, uid: 0 } : undefined);
    host.facts = async () => ({ uid: 0 }) as never;
    return rightsWarnings(store, entryOf(part));
  };
  const told = [
    "there is no setpriv(1) of util-linux on here, by which a target gives up rights: it keeps all of root's",
  ];
  t.deepEqual(await warningsOf('none', true, {}), told);
  t.deepEqual(await warningsOf('privileges', false, { persist: true }), told);
  t.deepEqual(await warningsOf('none', true, { persist: true }), []);
  t.deepEqual(await warningsOf('none', true, { restart: 'on-failure' }), []);
  t.deepEqual(await warningsOf('none', true, { restart: 'on-failure', netns: 'lab' }), told);
  t.deepEqual(await warningsOf('capabilities', false, {}), []);
  t.deepEqual(await warningsOf('user', false, {}), []);
  const { control: native } = await recipe('native');
  t.deepEqual(await warningsOf('none', false, { control: native }), []);
});

const way = (...steps: [mode: number, uid: number, gid?: number][]): Step[] =>
  steps.map(([mode, uid, gid = uid], index) => ({ path: '/x'.repeat(index) || '/', mode, uid, gid }));

test('what root opens by modes alone, and what only against them', (t) => {
  const [folder, file, device, link] = [0o040000, 0o100000, 0o060000, 0o120000];
  const root: [number, number] = [folder | 0o755, 0];
  t.true(isOpenToRoot(way(root, [file | 0o600, 0])));
  t.false(isOpenToRoot(way(root, [file | 0o400, 0])), 'not to be written');
  t.false(isOpenToRoot(way(root, [file | 0o600, 1000])));
  t.false(isOpenToRoot(way(root, [file | 0o644, 1000])));
  t.true(isOpenToRoot(way(root, [file | 0o666, 1000])));
  t.true(isOpenToRoot(way(root, [file | 0o660, 1000, 0])), 'by its group');
  t.false(isOpenToRoot(way(root, [folder | 0o700, 1000], [file | 0o600, 0])), 'a folder on the way');
  t.true(isOpenToRoot(way(root, [folder | 0o711, 1000], [file | 0o600, 0])));
  t.true(isOpenToRoot(way(root, [link | 0o777, 1000], [device | 0o660, 0])));
});

async function recipe(name: string) {
  const found = (await loadRecipes()).find((one) => one.name === name);
  const release = found?.releases.find((one) => one.default);
  if (found === undefined || release === undefined) throw new Error(name);
  return withRelease(found, release);
}

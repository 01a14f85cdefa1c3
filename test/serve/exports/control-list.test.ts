import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { here } from '../../../src/hosts/host/local.js';
import { loadRecipe } from '../../../src/make/recipe/load.js';
import { controlledExports, isListed } from '../../../src/serve/exports/control-list.js';
import { temporaryFolder } from '../../base/temporary.js';

/** The list of a recipe, its path moved into a folder that stands in for the kernel's. */
async function listOf(name: string, root: string) {
  const { control } = await loadRecipe(name);
  if (control.shape !== 'control-file') throw new Error(`${name} is no module`);
  return { ...control.list, path: join(root, control.list.path) };
}

test('kvblade: a folder an export, beside the control files', async (t) => {
  const root = await temporaryFolder(t);
  for (const name of ['0.1@eth0', '12.3@eth1.5']) {
    await mkdir(join(root, 'sys/kvblade', name), { recursive: true });
  }
  await writeFile(join(root, 'sys/kvblade/add'), '');
  const list = await listOf('kvblade', root);
  t.deepEqual(await controlledExports(here, list), [
    { shelf: 0, slot: 1, iface: 'eth0' },
    { shelf: 12, slot: 3, iface: 'eth1.5' },
  ]);
  t.true(await isListed(here, list, { shelf: 12, slot: 3, iface: 'eth1.5' }));
  t.false(await isListed(here, list, { shelf: 12, slot: 3, iface: 'eth0' }));
});

test('vblade-kernel: the lines of the ports of each drive', async (t) => {
  const root = await temporaryFolder(t);
  for (const [name, ports] of Object.entries({
    one: 'eth0 0 1 32 8\neth1 0 1 32 8\n',
    two: 'eth0 7 9 1 17\n',
    three: '',
  })) {
    await mkdir(join(root, 'sys/vblade', name), { recursive: true });
    await writeFile(join(root, 'sys/vblade', name, 'ports'), ports);
  }
  const list = await listOf('vblade-kernel', root);
  t.is((await controlledExports(here, list)).length, 3);
  t.true(await isListed(here, list, { shelf: 7, slot: 9, iface: 'eth0' }));
  t.false(await isListed(here, list, { shelf: 7, slot: 9, iface: 'eth1' }));
});

test('a module that is not loaded lists nothing', async (t) => {
  const root = await temporaryFolder(t);
  for (const name of ['kvblade', 'aoeserver', 'vblade-kernel']) {
    t.deepEqual(await controlledExports(here, await listOf(name, root)), []);
  }
});

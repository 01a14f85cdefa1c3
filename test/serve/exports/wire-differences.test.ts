import test from 'ava';
import { loadRecipe, select } from '../../../src/make/recipe/load.js';
import type { ExportEntry } from '../../../src/serve/exports/entry.js';
import { wireDifferences } from '../../../src/serve/exports/wire-differences.js';
import { entryOf } from './entries.js';

async function entryBy(implementation: string, part: Partial<ExportEntry> = {}): Promise<ExportEntry> {
  const recipe = await loadRecipe(implementation);
  const selected = select(recipe);
  const { release, control } = selected;
  return entryOf({ implementation, release: release.version, control, ...part });
}

const fine = { sectors: 2048, model: 'Coraid EtherDrive vblade', serial: '0.1:host' };

test('A16: what the wire says of another disk is told', async (t) => {
  const entry = await entryBy('vblade');
  t.deepEqual(wireDifferences(entry, fine), []);
  t.regex(wireDifferences(entry, { ...fine, sectors: 4096 }).join(), /4096 sectors, and 2048 are/);
  t.regex(wireDifferences(entry, { ...fine, model: 'GGs AoE target' }).join(), /model .*GGs AoE target/);
  t.regex(wireDifferences(entry, { ...fine, serial: '0.12:host' }).join(), /serial number .*0\.12:host/);
});

test('A16: a slice has its own size', async (t) => {
  const entry = await entryBy('vblade', { options: { offset: 2000 } });
  t.deepEqual(wireDifferences(entry, { ...fine, sectors: 48 }), []);
  t.is(wireDifferences(entry, fine).length, 1);
});

test('A16: a serial number is compared as far as ATA has room for it', async (t) => {
  const entry = await entryBy('ggaoed', { iface: 'enp3s0f1np1d0v1' });
  const told = { sectors: 2048, model: 'GGs AoE target', serial: 'e0.1-enp3s0f1np1d0v1' };
  t.deepEqual(wireDifferences(entry, told), []);
  t.is(wireDifferences(entry, { ...told, serial: 'e0.2-enp3s0f1np1d0v1' }).length, 1);
});

test('A16: nothing told is no difference, nor is what a recipe does not know', async (t) => {
  t.deepEqual(wireDifferences(await entryBy('vblade'), { sectors: null, model: null, serial: null }), []);
  t.deepEqual(wireDifferences(await entryBy('kvblade'), { ...fine, model: 'mine', serial: 'mine' }), []);
});

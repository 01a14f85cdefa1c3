/** What a target has no room for is refused, by the recipe and by the program itself; at the limit it serves what it should. */
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { listInterfaces } from '../../src/hosts/host/interface.js';
import { here } from '../../src/hosts/host/local.js';
import { EntryStore, exportId } from '../../src/serve/exports/entry.js';
import { wireDifferences } from '../../src/serve/exports/wire-differences.js';
import { openTarget } from '../../src/wire/initiator/open.js';
import { openPacketLink } from '../../src/wire/link/packet.js';
import { cli, jsonHere } from './support/cli.js';
import { statusOf } from './support/disks.js';
import { askFrom, discoverOn, exportOn, type Found } from './support/export.js';
import { builtVblade, noCompiler, noRoot, sourceTree, testUnless } from './support/machine.js';
import { type TestWire, testWire } from './support/wire.js';

const SECTOR = 512;
const SECTORS = 2048;

/** Addresses of nobody. */
function strangers(count: number): string[] {
  return Array.from({ length: count }, (_, at) => `02:00:00:00:0a:${at.toString(16).padStart(2, '0')}`);
}

/** Each sector begins with its number. */
function numbered(): Buffer {
  const data = Buffer.alloc(SECTORS * SECTOR);
  for (let sector = 0; sector < SECTORS; sector++) data.writeUInt32BE(sector, sector * SECTOR);
  return data;
}

const built = await builtVblade();
const noVblade = 'reason' in built ? built.reason : undefined;

testUnless(noVblade, 'A16: vblade takes no more MACs than it has room for', async (t) => {
  const wire = await testWire(t);
  const file = join(wire.folder, 'disk1');
  await writeFile(file, numbered());
  const refused = await cli(exportOn(wire, 'vblade', 1, '--mac', strangers(123).join(',')), wire.env);
  t.is(refused.exitCode, 2);
  t.regex(refused.stderr, /--mac: 123 is not in 0…32: its list has room for 32/);

  // The last one of a full list is heard.
  const list = [...strangers(31), wire.mac].join(',');
  await jsonHere(exportOn(wire, 'vblade', 1, '--mac', list), wire.env);
  const link = await openPacketLink({ iface: wire.initiator, netns: wire.netns });
  t.teardown(() => link.close());
  const target = await openTarget(link, { shelf: 0, slot: 1 });
  for (const sector of [0, 1, 1000, SECTORS - 1]) {
    t.is((await target.read(sector, 1)).readUInt32BE(0), sector);
  }
  await target.write(7, Buffer.alloc(SECTOR, 0xee));
  const after = numbered();
  after.fill(0xee, 7 * SECTOR, 8 * SECTOR);
  t.true((await readFile(file)).equals(after));
});

testUnless(noVblade, 'A16: vblade itself ends rather than write past its list', async (t) => {
  const wire = await testWire(t);
  const file = join(wire.folder, 'disk1');
  await writeFile(file, numbered());
  const program = 'path' in built ? built.path : '';
  const argv = [program, '-m', strangers(33).join(','), '0', '1', wire.target, file];
  const { exitCode, stderr } = await here.inNamespace(wire.netns).run(argv, { accept: [1] });
  t.is(exitCode, 1);
  t.regex(stderr, /^more than 32 masks$/m);
});

testUnless(
  noVblade,
  'A16: what the wire says of a served export is what its entry says, and of another file it is not, which status tells',
  async (t) => {
    const wire = await testWire(t);
    await jsonHere(exportOn(wire, 'vblade', 1, '--size', '1M'), wire.env);
    const [found] = await jsonHere<Found[]>(discoverOn(wire), wire.env);
    process.env.AOE_LAB_STATE = wire.env.AOE_LAB_STATE as string;
    const [entry] = await (await EntryStore.open(here)).all();
    if (entry === undefined || found === undefined) throw new Error('nothing is exported');
    t.deepEqual(wireDifferences(entry, found), []);
    t.is(wireDifferences({ ...entry, slot: 2 }, found).length, 1);
    t.like(await statusOf(wire, 1), { state: 'serving', faults: [] });
    // As if another target answered.
    const { control } = entry;
    const identity = { model: '^GGs AoE target$', serial: '^e0\\.1-' };
    const file = join(wire.env.AOE_LAB_STATE as string, 'exports', `${exportId(entry)}.json`);
    await writeFile(file, JSON.stringify({ ...entry, control: { ...control, identity } }));
    const { state, faults } = await statusOf(wire, 1);
    t.is(state, 'impaired');
    t.is(faults.length, 2, faults.join());
    t.regex(
      faults[0] ?? '',
      /^the model on the wire is "Coraid EtherDrive vblade", .*another target may answer$/,
    );
    t.regex(faults[1] ?? '', /^the serial number on the wire is "0\.1:/);
  },
);

/** The words of an export on an interface that is called so. */
function exportBy(wire: TestWire, name: string): string[] {
  const words = exportOn(wire, 'vblade', 1, '--size', '1M');
  const at = words.indexOf('--iface');
  return [...words.slice(0, at), `--iface=${name}`, ...words.slice(at + 2)];
}

testUnless(noVblade, 'A16: an interface whose name vblade takes for an option is refused', async (t) => {
  const wire = await testWire(t);
  const inside = here.inNamespace(wire.netns);
  await inside.run(['ip', 'link', 'set', 'tgt', 'down']);
  await inside.run(['ip', 'link', 'set', 'dev', 'tgt', 'name', '-r']);
  await inside.run(['ip', 'link', 'set', 'dev', '-r', 'up']);
  t.true((await listInterfaces(inside)).some(({ name }) => name === '-r'));
  const refused = await cli(exportBy(wire, '-r'), wire.env);
  t.is(refused.exitCode, 2, refused.stderr);
  t.regex(refused.stderr, /name -r for an option/);
  await t.throwsAsync(stat(join(wire.folder, 'disk1')), { code: 'ENOENT' });
});

testUnless(
  noVblade,
  'A16: an interface may be named by an altname that vblade could not be told: it is told the real one',
  async (t) => {
    const wire = await testWire(t);
    const inside = here.inNamespace(wire.netns);
    await inside.run(['ip', 'link', 'property', 'add', 'dev', 'tgt', 'altname', '-x']);
    const made = await cli(exportBy(wire, '-x'), wire.env);
    t.is(made.exitCode, 0, made.stderr);
    const { state, faults } = await statusOf(wire, 1);
    t.is(state, 'serving', faults.join());
  },
);

for (const { name, release, tree } of [
  { name: 'ggaoed', release: '1.1', tree: 'ggaoed-1.1' },
  { name: 'qaoed', release: 'trunk', tree: 'qaoed-trunk' },
]) {
  const source = sourceTree(tree);
  const reason = noRoot() ?? noCompiler() ?? ('reason' in source ? source.reason : undefined);
  const where = 'path' in source ? ['--release', release, '--source', source.path] : [];

  testUnless(
    reason,
    `A16: ${name} is not told a folder that its socket has no room for, and nothing is left`,
    async (t) => {
      const wire = await testWire(t);
      const env = { AOE_LAB_STATE: join(wire.folder, 'x'.repeat(90)) };
      const refused = await cli(exportOn(wire, name, 1, '--size', '1M', ...where), env);
      t.is(refused.exitCode, 2, refused.stderr);
      t.regex(refused.stderr, /can't be told its folder .*\n?.*AOE_LAB_STATE/s);
      await t.throwsAsync(stat(join(wire.folder, 'disk1')), { code: 'ENOENT' });
      t.deepEqual(await jsonHere<Found[]>(['discover', ...askFrom(wire), '--wait', '300'], env), []);
    },
  );
}

const ggaoed = sourceTree('ggaoed-1.1');
const noGgaoed = noRoot() ?? noCompiler() ?? ('reason' in ggaoed ? ggaoed.reason : undefined);

testUnless(noGgaoed, 'A16: an interface of a like name takes no export of ggaoed from another', async (t) => {
  const wire = await testWire(t);
  const inside = here.inNamespace(wire.netns);
  const ends = ['a-0', 'b-0', 'a_0', 'b_0'];
  await inside.run(['ip', 'link', 'add', 'a-0', 'type', 'veth', 'peer', 'name', 'b-0']);
  await inside.run(['ip', 'link', 'add', 'a_0', 'type', 'veth', 'peer', 'name', 'b_0']);
  for (const end of ends) await inside.run(['ip', 'link', 'set', end, 'addrgenmode', 'none', 'up']);
  const where = ['--release', '1.1', '--source', 'path' in ggaoed ? ggaoed.path : ''];
  const on = (iface: string, ...more: string[]): string[] =>
    exportOn(wire, 'ggaoed', 1, ...more, ...where).map((word) => (word === 'tgt' ? iface : word));
  await jsonHere(on('a-0', '--size', '1M'), wire.env);
  const second = await cli(on('a_0', '--force'), wire.env);
  t.is(second.exitCode, 1, second.stderr);
  t.regex(second.stderr, /one ggaoed serves an address once[\s\S]*→ take another shelf or slot/);
  const found = await jsonHere<Found[]>(['discover', '--iface', 'b-0', '--netns', wire.netns], wire.env);
  t.deepEqual(
    found.map(({ slot, serial }) => [slot, serial]),
    [[1, 'e0.1-a-0']],
  );
});

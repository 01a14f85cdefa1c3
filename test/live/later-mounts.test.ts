/** Daemons in a namespace, and file systems that are mounted while they run. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { here } from '../../src/hosts/host/local.js';
import { cli, jsonHere } from './support/cli.js';
import { askFrom, discoverOn, exportOn, type Found } from './support/export.js';
import { noCompiler, noRoot, sourceTree, testUnless } from './support/machine.js';
import { assertLeast } from './support/rights.js';
import { testWire } from './support/wire.js';

const DAEMONS = [
  { name: 'native', tree: undefined },
  { name: 'ggaoed', tree: 'ggaoed-1.1' },
  { name: 'qaoed', tree: 'qaoed-trunk' },
];

for (const { name, tree } of DAEMONS) {
  const source = tree === undefined ? undefined : sourceTree(tree);
  const lacking =
    source === undefined ? undefined : (noCompiler() ?? ('reason' in source ? source.reason : undefined));
  const where = source !== undefined && 'path' in source ? ['--source', source.path] : [];

  testUnless(
    noRoot() ?? lacking,
    `D7: ${name}: a daemon in a namespace serves a file of a file system that was mounted after it started`,
    async (t) => {
      const wire = await testWire(t);
      await writeFile(join(wire.folder, 'disk1'), Buffer.alloc(1 << 20, 1));
      const first = await jsonHere<{ pids: number[] }>(exportOn(wire, name, 1, ...where), wire.env);

      const rights = ['net_raw', 'dac_override', ...(name === 'native' ? ['ipc_lock'] : [])];
      for (const pid of first.pids) await assertLeast(t, here, pid, rights, [wire.folder]);

      const late = join(wire.folder, 'late');
      await mkdir(late);
      // What a daemon that does not see the mount would serve.
      await writeFile(join(late, 'disk2'), Buffer.alloc(1 << 20, 3));
      await here.run(['mount', '-t', 'tmpfs', '-o', 'size=4m', 'aoe-lab-test', late]);
      t.teardown(async () => {
        await cli(['unexport', '--force', '--all'], wire.env);
        await here.run(['umount', late]);
      });
      const data = Buffer.alloc(2 << 20, 2);
      await writeFile(join(late, 'disk2'), data);
      const second = await jsonHere<{ pids: number[] }>(
        exportOn(wire, name, 2, ...where, '--file', join(late, 'disk2')),
        wire.env,
      );
      t.deepEqual(second.pids, first.pids, 'the same daemon serves it');
      const found = await jsonHere<Found[]>(discoverOn(wire), wire.env);
      t.deepEqual(
        found.map(({ slot, sectors }) => [slot, sectors]),
        [
          [1, 2048],
          [2, 4096],
        ],
      );
      const copy = join(wire.folder, 'copy');
      const read = await cli(['read', 'e0.2', ...askFrom(wire), '--output', copy], wire.env);
      t.is(read.exitCode, 0, read.stderr);
      t.deepEqual((await here.run(['cmp', copy, join(late, 'disk2')], { accept: [1] })).stdout, '');
    },
  );
}

/** ggaoed and qaoed, built from the trees in AOE_LAB_SOURCES: several exports by one daemon, changed while it serves. */
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { here } from '../../src/hosts/host/local.js';
import type { StatusReport } from '../../src/serve/exports/status-report.js';
import { listLoops } from '../../src/serve/storage/loop.js';
import { openTarget } from '../../src/wire/initiator/open.js';
import { openPacketLink } from '../../src/wire/link/packet.js';
import { cli, jsonHere } from './support/cli.js';
import {
  askFrom,
  assertNothingLeft,
  discoverOn,
  exportOn,
  type Found,
  folderOfAll,
  killAll,
} from './support/export.js';
import { noCompiler, noRoot, sourceTree, testUnless } from './support/machine.js';
import { testWire } from './support/wire.js';

const DAEMONS = [
  { name: 'ggaoed', release: '1.1', tree: 'ggaoed-1.1' },
  { name: 'ggaoed', release: '0.9', tree: 'ggaoed-0.9' },
  { name: 'qaoed', release: 'trunk', tree: 'qaoed-trunk' },
];

const KILLED = 8;

for (const { name, release, tree } of DAEMONS) {
  const source = sourceTree(tree);
  const reason = noRoot() ?? noCompiler() ?? ('reason' in source ? source.reason : undefined);
  const title = `${name} ${release}`;
  const where = 'path' in source ? ['--release', release, '--source', source.path] : [];

  testUnless(reason, `${title}: what is written over the wire is in the file and reads back`, async (t) => {
    const wire = await testWire(t, 9000);
    // In a folder of others: what the daemon opens is looked at.
    const disk = join(await folderOfAll(wire), 'disk1');
    const made = await jsonHere<{ pids: number[]; warnings: string[] }>(
      [...exportOn(wire, name, 1, '--size', '8M', ...where), '--file', disk],
      wire.env,
    );
    t.regex(made.warnings.join(), /everybody may write to/);
    const [found] = await jsonHere<Found[]>(discoverOn(wire), wire.env);
    t.like(found, { shelf: 0, slot: 1, sectors: 16384, maxSectors: 17 });
    const data = randomBytes(3 << 20);
    await writeFile(join(wire.folder, 'data'), data);
    const copy = join(wire.folder, 'copy');
    const written = await cli(
      ['write', 'e0.1', ...askFrom(wire), '--offset', '512', '--input', join(wire.folder, 'data')],
      wire.env,
    );
    t.is(written.exitCode, 0, written.stderr);
    const range = ['--offset', '512', '--length', '3M'];
    const read = await cli(['read', 'e0.1', ...askFrom(wire), ...range, '--output', copy], wire.env);
    t.is(read.exitCode, 0, read.stderr);
    t.true(data.equals(await readFile(copy)));
    const { exports } = await jsonHere<StatusReport>(['status'], wire.env);
    t.like(exports[0], { state: 'serving', faults: [], pids: made.pids });
    await jsonHere(['unexport', '--force', 'e0.1'], wire.env);
    t.true(data.equals((await readFile(disk)).subarray(512, 512 + data.length)));
    await assertNothingLeft(t, wire);
  });

  testUnless(
    reason,
    `${title}: exports come and go while another one of the daemon is read without a fault`,
    async (t) => {
      const wire = await testWire(t);
      const data = randomBytes(1 << 20);
      await writeFile(join(wire.folder, 'disk1'), data);
      const first = await jsonHere<{ pids: number[] }>(exportOn(wire, name, 1, ...where), wire.env);
      const link = await openPacketLink({ iface: wire.initiator, netns: wire.netns });
      t.teardown(() => link.close());
      const target = await openTarget(link, { shelf: 0, slot: 1 });
      let going = true;
      let reads = 0;
      const reading = (async () => {
        while (going) {
          const sector = Math.floor(Math.random() * 2000);
          const part = await target.read(sector, 8);
          if (!part.equals(data.subarray(sector * 512, (sector + 8) * 512)))
            throw new Error(`sector ${sector} is wrong`);
          reads++;
        }
      })();
      for (const slot of [2, 3]) {
        const next = await jsonHere<{ pids: number[] }>(
          exportOn(wire, name, slot, '--size', '1M', ...where),
          wire.env,
        );
        t.deepEqual(next.pids, first.pids, 'the same daemon serves it');
      }
      const slots = async () => (await jsonHere<Found[]>(discoverOn(wire), wire.env)).map(({ slot }) => slot);
      t.deepEqual(await slots(), [1, 2, 3]);
      const { exports } = await jsonHere<StatusReport>(['status'], wire.env);
      t.deepEqual(
        exports.map(({ slot, state, wire: answer }) => [slot, state, answer]),
        [1, 2, 3].map((slot) => [slot, 'serving', 'answers']),
      );
      await jsonHere(['unexport', '--force', 'e0.2'], wire.env);
      t.deepEqual(await slots(), [1, 3]);
      going = false;
      await reading;
      t.true(reads > 100);
      t.log(`${reads} reads of 8 sectors meanwhile`);
      await jsonHere(['unexport', '--force', '--all'], wire.env);
      t.deepEqual(await slots(), []);
      await assertNothingLeft(t, wire);
    },
  );

  testUnless(reason, `${title}: a read-only export and an access list hold`, async (t) => {
    const wire = await testWire(t);
    await writeFile(join(wire.folder, 'disk1'), Buffer.alloc(1 << 20, 7));
    await writeFile(join(wire.folder, 'data'), Buffer.alloc(4096, 9));
    const exported = await cli(exportOn(wire, name, 1, '--read-only', ...where), wire.env);
    t.is(exported.exitCode, 0, exported.stderr);
    const written = await cli(
      ['write', 'e0.1', ...askFrom(wire), '--input', join(wire.folder, 'data')],
      wire.env,
    );
    t.is(written.exitCode, 1);
    t.regex(written.stderr, /e0\.1/);
    t.true((await readFile(join(wire.folder, 'disk1'))).equals(Buffer.alloc(1 << 20, 7)));
    await jsonHere(exportOn(wire, name, 2, '--size', '1M', '--mac', '02:00:00:00:00:01', ...where), wire.env);
    await jsonHere(exportOn(wire, name, 3, '--size', '1M', '--mac', wire.mac, ...where), wire.env);
    const found = await jsonHere<Found[]>(discoverOn(wire), wire.env);
    t.deepEqual(
      found.map(({ slot }) => slot),
      [1, 3],
    );
  });

  testUnless(
    reason,
    `${title}: killed with -9 it is down, and restart brings all its exports back`,
    async (t) => {
      const wire = await testWire(t);
      const { pids } = await jsonHere<{ pids: number[] }>(
        exportOn(wire, name, 1, '--size', '1M', ...where),
        wire.env,
      );
      await jsonHere(exportOn(wire, name, 2, '--size', '1M', ...where), wire.env);
      await killAll(pids.slice(0, 1));
      const down = await jsonHere<StatusReport>(['status'], wire.env);
      t.deepEqual(
        down.exports.map(({ state }) => state),
        ['down', 'down'],
      );
      await jsonHere(['restart', 'e0.1'], wire.env);
      const up = await jsonHere<StatusReport>(['status'], wire.env);
      t.deepEqual(
        up.exports.map(({ state, wire: answer }) => [state, answer]),
        [
          ['serving', 'answers'],
          ['serving', 'answers'],
        ],
      );
    },
  );

  testUnless(
    reason,
    `${title}: exports killed with -9 while the daemon is told of them are undone, and its other export stays`,
    async (t) => {
      const wire = await testWire(t);
      const started = performance.now();
      const first = await jsonHere<{ pids: number[] }>(
        exportOn(wire, name, 1, '--size', '1M', ...where),
        wire.env,
      );
      const whole = performance.now() - started;
      for (let round = 0; round < KILLED; round++) {
        // The later half of its time, in which the daemon has been told or is about to be.
        const killAfter = whole * (0.5 + Math.random() / 2);
        const args = exportOn(wire, name, 2, '--size', '1M', '--loop', ...where);
        await cli(args, wire.env, { killAfter });
        const before = await jsonHere<StatusReport>(['status'], wire.env);
        if (before.exports.length > 1) await jsonHere(['unexport', '--force', 'e0.2'], wire.env);
        const { exports, orphans } = await jsonHere<StatusReport>(['status'], wire.env);
        t.deepEqual(orphans, []);
        t.deepEqual(
          exports.map(({ slot, pids, state, wire: answer }) => ({ slot, pids, state, answer })),
          [{ slot: 1, pids: first.pids, state: 'serving', answer: 'answers' }],
        );
        t.deepEqual(await listLoops(here, join(wire.folder, 'disk2')), []);
        const found = await jsonHere<Found[]>(discoverOn(wire), wire.env);
        t.deepEqual(
          found.map(({ slot }) => slot),
          [1],
        );
      }
    },
  );
}

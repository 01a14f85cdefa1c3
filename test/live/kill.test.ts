/** Commands killed at any moment: what they leave is found, told and recovered, and nothing else is touched. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { here } from '../../src/hosts/host/local.js';
import { EntryStore } from '../../src/serve/exports/entry.js';
import { exportTarget } from '../../src/serve/exports/export.js';
import { provide } from '../../src/serve/exports/provide.js';
import { exportStatus } from '../../src/serve/exports/status.js';
import type { StatusReport } from '../../src/serve/exports/status-report.js';
import { unexportTargets } from '../../src/serve/exports/unexport.js';
import { listLoops } from '../../src/serve/storage/loop.js';
import { cli, cliJson } from './support/cli.js';
import { assertNothingLeft, discoverOn, exportOn, type Found } from './support/export.js';
import { builtVblade, LONG, testUnless } from './support/machine.js';
import { testWire } from './support/wire.js';

const ROUNDS = Number(process.env.AOE_LAB_KILL_ROUNDS ?? (LONG ? 50 : 4));

const built = await builtVblade();

testUnless(
  'reason' in built ? built.reason : undefined,
  `${ROUNDS} exports killed with -9 at random moments leave nothing and touch no other export`,
  async (t) => {
    t.timeout(600_000);
    const wire = await testWire(t);
    // One beside it in the same state folder, and one of another state folder, which is none of our business.
    const elsewhere = { AOE_LAB_STATE: join(wire.folder, 'elsewhere') };
    t.teardown(() => cli(['unexport', '--force', '--all'], elsewhere));
    const foreign = await cliJson<{ pids: number[] }>(
      exportOn(wire, 'vblade', 100, '--size', '1M'),
      elsewhere,
    );
    const started = performance.now();
    const beside = await cliJson<{ pids: number[] }>(exportOn(wire, 'vblade', 101, '--size', '1M'), wire.env);
    const whole = performance.now() - started;
    const file = join(wire.folder, 'disk1');
    process.env.AOE_LAB_STATE = wire.env.AOE_LAB_STATE;
    const served = await provide('vblade', {});
    const other = { shelf: 0, slot: 2, iface: wire.target, netns: wire.netns, options: {} };
    let finished = 0;
    let halfDone = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const args = exportOn(wire, 'vblade', 1, '--size', '1M', '--loop', '--direct-io');
      const { signal } = await cli(args, wire.env, { killAfter: Math.random() * whole });
      if (signal === null) finished++;
      const ours = (await exportStatus(here)).exports.find(({ slot }) => slot === 1);
      if (ours?.state === 'unfinished') halfDone++;
      else if (ours !== undefined) t.is(ours.state, 'serving', ours.faults.join());
      if (ours !== undefined && round % 2 === 0) await unexportTargets(here, [ours.id], false);
      else {
        // Any other command that changes something recovers what is unfinished, and says so.
        const recovered: string[] = [];
        const made = await exportTarget(
          here,
          served,
          { ...other, path: file + round, size: 1 << 20 },
          (recovery) => {
            recovered.push(...recovery.undone.map(({ id }) => id));
          },
        );
        t.deepEqual(recovered, ours?.state === 'unfinished' ? [ours.id] : []);
        await unexportTargets(here, [made.id, ...(ours?.state === 'serving' ? [ours.id] : [])], false);
      }
      const after = await exportStatus(here);
      t.deepEqual(after.orphans, []);
      t.deepEqual(
        after.exports.map(({ pids, state, wire: answer }) => ({ pids, state, answer })),
        [{ pids: beside.pids, state: 'serving', answer: 'answers' }],
      );
      t.deepEqual(await listLoops(here, file), []);
      await t.throwsAsync(stat(file), { code: 'ENOENT' });
    }
    t.log(
      `of ${ROUNDS} exports of ${whole.toFixed(0)} ms each, ${finished} finished; ${halfDone} left something half done`,
    );
    t.true(finished < ROUNDS);
    await cliJson(['unexport', '--force', '--all'], wire.env);
    await assertNothingLeft(t, wire);
    const found = await cliJson<Found[]>([...discoverOn(wire), '--wait', '300'], wire.env);
    t.deepEqual(
      found.map(({ slot }) => slot),
      [100],
    );
    t.deepEqual((await cliJson<StatusReport>(['status'], elsewhere)).exports[0]?.pids, foreign.pids);
  },
);

testUnless(
  'reason' in built ? built.reason : undefined,
  'an export for a test that was killed half made takes its log along, whichever command recovers it; others’ stay',
  async (t) => {
    const wire = await testWire(t);
    process.env.AOE_LAB_STATE = wire.env.AOE_LAB_STATE;
    const served = await provide('vblade', {});
    const place = { shelf: 0, iface: wire.target, netns: wire.netns, size: 1 << 20, options: {} };
    const logs: string[] = [];
    for (const [slot, more] of [{}, { keepLog: false } as const].entries()) {
      const path = join(wire.folder, `half-made${slot}`);
      logs.push((await exportTarget(here, served, { ...place, slot, path, ...more })).log);
    }
    const store = await EntryStore.open(here);
    // As kill -9 leaves them between the first line of the log and the start of the target.
    for (const entry of await store.all()) await store.write({ ...entry, phase: 'starting' });
    await cliJson(exportOn(wire, 'vblade', 9, '--size', '1M'), wire.env);
    t.deepEqual(await Promise.all(logs.map(async (log) => (await here.stat(log)) !== undefined)), [
      true,
      false,
    ]);
    await cliJson(['unexport', '--force', '--all'], wire.env);
    await assertNothingLeft(t, wire);
  },
);

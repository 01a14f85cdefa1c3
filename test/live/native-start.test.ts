/** Exports that are started together. */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { StatusReport } from '../../src/serve/exports/status-report.js';
import { cli, cliJson } from './support/cli.js';
import { LONG, noRoot, testUnless } from './support/machine.js';
import { keepUsing } from './support/steady-io.js';
import { testWire } from './support/wire.js';

const ROUNDS = LONG ? 20 : 4;

testUnless(
  noRoot(),
  `D1: two native exports applied at once on a fresh state are served, ${ROUNDS} times of ${ROUNDS}`,
  async (t) => {
    t.timeout(600_000);
    const wire = await testWire(t);
    const file = join(wire.folder, 'lab.yaml');
    const exports = [1, 2].map((slot) => ({
      address: `e0.${slot}`,
      host: 'here',
      implementation: 'native',
      interface: wire.target,
      netns: wire.netns,
      file: join(wire.folder, `disk${slot}`),
      size: '1M',
    }));
    await writeFile(file, JSON.stringify({ lab: 'test', hosts: { here: {} }, exports }));
    for (let round = 0; round < ROUNDS; round++) {
      const applied = await cli(['apply', '-f', file, '--yes'], wire.env);
      t.is(applied.exitCode, 0, `round ${round}: ${applied.stderr}`);
      const status = await cliJson<StatusReport>(['status'], wire.env);
      t.deepEqual(
        status.exports.map(({ id, state, wire: answer }) => [id.slice(0, 4), state, answer]),
        [
          ['e0.1', 'serving', 'answers'],
          ['e0.2', 'serving', 'answers'],
        ],
      );
      t.is((await cli(['unexport', '--force', '--all'], wire.env)).exitCode, 0);
      await rm(wire.env.AOE_LAB_STATE as string, { recursive: true, force: true });
    }
    // What an initiator has just used ends by destroy and apply as it does by unexport; the other goes.
    const run = (verb: string, ...more: string[]) => cli([verb, '-f', file, '--yes', ...more], wire.env);
    t.is((await run('apply')).exitCode, 0);
    await keepUsing(t, wire, 1, (target) => target.write(0, Buffer.alloc(512, 'x')));
    const refused = await run('destroy');
    t.is(refused.exitCode, 1);
    t.regex(refused.stderr, /an initiator used e0\.1@\S+ \d+ s ago/);
    t.deepEqual(
      (await cliJson<StatusReport>(['status'], wire.env)).exports.map(({ slot }) => slot),
      [1],
    );
    await writeFile(file, JSON.stringify({ lab: 'test', hosts: { here: {} }, exports: [] }));
    t.is((await run('apply')).exitCode, 1);
    const ended = await run('destroy', '--allow', 'used');
    t.is(ended.exitCode, 0, ended.stderr);
  },
);

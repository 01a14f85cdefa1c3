/** Exports of commands that run in a network namespace and don't say so. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { StatusReport } from '../../src/serve/exports/status-report.js';
import { jsonHere, MAIN } from './support/cli.js';
import { builtVblade, noRoot, testUnless } from './support/machine.js';
import { testWire } from './support/wire.js';

const vblade = await builtVblade();

for (const implementation of ['native', 'vblade']) {
  testUnless(
    noRoot() ?? (implementation === 'vblade' && 'reason' in vblade ? vblade.reason : undefined),
    `${implementation}: a command in another network, with an interface of the same name, does not take an export there`,
    async (t) => {
      // Both have an interface of the same name.
      const [one, two] = [await testWire(t), await testWire(t)];
      const inside = (netns: string, ...argv: string[]) =>
        spawnSync('ip', ['netns', 'exec', netns, process.execPath, MAIN, ...argv], {
          encoding: 'utf8',
          env: { ...process.env, ...one.env },
        });
      const exporting = (slot: number) => [
        ...['export', '--impl', implementation, '--shelf', '0', '--slot', String(slot)],
        ...['--iface', one.target, '--file', join(one.folder, `disk${slot}`), '--size', '1M'],
      ];
      const pids = async () =>
        (await jsonHere<StatusReport>(['status'], one.env)).exports.map((is) => is.pids);
      const made = inside(one.netns, ...exporting(1));
      t.is(made.status, 0, made.stderr);
      const before = await pids();
      const moved = inside(two.netns, 'restart', 'e0.1');
      t.is(moved.status, 1, moved.stderr);
      t.regex(moved.stderr, /it runs in another network namespace than this command.*nothing was stopped/s);
      t.deepEqual(await pids(), before);
      const beside = inside(two.netns, ...exporting(2));
      // A daemon serves all of its exports from where it runs; vblade has a process for each.
      t.is(beside.status, implementation === 'native' ? 1 : 0, beside.stderr);
      if (implementation === 'native') t.regex(beside.stderr, /another network namespace/);
      const again = inside(one.netns, 'restart', 'e0.1');
      t.is(again.status, 0, again.stderr);
      t.notDeepEqual(await pids(), before);
    },
  );
}

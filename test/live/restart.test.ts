/** Restarts of several exports, where the disk of one is away. */
import { readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { here } from '../../src/hosts/host/local.js';
import type { StatusReport } from '../../src/serve/exports/status-report.js';
import { cli, cliHere, jsonHere } from './support/cli.js';
import { exportOn, killAll } from './support/export.js';
import { builtVblade, noCompiler, noRoot, sourceTree, testUnless } from './support/machine.js';
import { type TestWire, testWire } from './support/wire.js';

interface Restarted {
  restarted: { id: string }[];
  failed: { id: string; error: { happened: string } }[];
}

const vblade = await builtVblade();

const TARGETS = [
  { name: 'native', release: '1', reason: noRoot() },
  { name: 'vblade', release: '25', reason: 'reason' in vblade ? vblade.reason : undefined },
  { name: 'ggaoed', release: '1.1', tree: 'ggaoed-1.1' },
  { name: 'qaoed', release: 'trunk', tree: 'qaoed-trunk' },
].map(({ name, release, tree, reason }) => {
  const source = tree === undefined ? undefined : sourceTree(tree);
  const lacking = source !== undefined && 'reason' in source ? source.reason : undefined;
  return {
    name,
    reason: reason ?? (source === undefined ? undefined : (noRoot() ?? noCompiler() ?? lacking)),
    where: [
      '--release',
      release,
      ...(source !== undefined && 'path' in source ? ['--source', source.path] : []),
    ],
  };
});

for (const { name, reason, where } of TARGETS) {
  testUnless(
    reason,
    `D3: ${name}: restart --all with one file away serves the others, names the one and fails`,
    async (t) => {
      const wire = await testWire(t);
      await exported(wire, [1, 2, 3], name, ...where);
      await killAll([...new Set((await status(wire)).flatMap(({ pids }) => pids))]);
      await rename(disk(wire, 1), disk(wire, 9));

      const { exitCode, stdout } = await cli(['restart', '--all', '--json'], wire.env);
      t.is(exitCode, 1);
      const { restarted, failed } = JSON.parse(stdout) as Restarted;
      t.deepEqual(
        restarted.map(({ id }) => id),
        [2, 3].map((slot) => idOf(wire, slot)),
      );
      t.deepEqual(
        failed.map(({ id }) => id),
        [idOf(wire, 1)],
      );
      t.true(failed[0]?.error.happened.startsWith(`${disk(wire, 1)} is not there`), stdout);
      const answers = (await status(wire)).map(({ slot, wire: answer }) => [slot, answer]);
      t.deepEqual(answers.slice(1), [
        [2, 'answers'],
        [3, 'answers'],
      ]);
      t.not(answers[0]?.[1], 'answers');

      await rename(disk(wire, 9), disk(wire, 1));
      await jsonHere(['restart', 'e0.1'], wire.env);
      t.deepEqual(
        (await status(wire)).map(({ state, wire: answer }) => [state, answer]),
        [1, 2, 3].map(() => ['serving', 'answers']),
      );
    },
  );

  testUnless(reason, `D3: ${name}: restart of an export whose file is away stops nothing`, async (t) => {
    const wire = await testWire(t);
    await exported(wire, [1, 2], name, ...where);
    const before = (await status(wire)).map(({ pids }) => pids);
    await rename(disk(wire, 2), disk(wire, 9));
    const { exitCode, stderr } = await cli(['restart', 'e0.2'], wire.env);
    t.is(exitCode, 1);
    t.true(stderr.includes(`${disk(wire, 2)} is not there; nothing was stopped for it`), stderr);
    t.regex(stderr, /→ .*aoe-lab unexport e0\.2@/);
    t.deepEqual(
      (await status(wire)).map(({ pids, wire: answer }) => [pids, answer]),
      before.map((pids) => [pids, 'answers']),
    );
  });
}

const qaoed = TARGETS.find(({ name }) => name === 'qaoed');
testUnless(
  qaoed?.reason,
  'data: qaoed, which opens all files anew for some exports, gets none while it alone has the former file of a name',
  async (t) => {
    const wire = await testWire(t);
    await exported(wire, [1], 'qaoed', ...(qaoed?.where ?? []));
    await replaced(wire, 1);
    await writeFile(disk(wire, 2), Buffer.alloc(1 << 20));
    const words = exportOn(wire, 'qaoed', 2, ...(qaoed?.where ?? []), '--read-only');
    const refused = await cliHere(words, wire.env);
    t.is(refused.exitCode, 1, refused.stderr);
    t.regex(refused.stderr, /disk1 was removed, and lives on only as long as e0\.1@/);
    await jsonHere(['restart', 'e0.1'], wire.env);
    await jsonHere(words, wire.env);
  },
);

testUnless(
  noRoot(),
  'D3: a daemon that serves a renamed file is not ended for the restart of another export, which would cut that off',
  async (t) => {
    const wire = await testWire(t);
    await exported(wire, [1, 2], 'native');
    const before = (await status(wire)).map(({ pids }) => pids);
    await rename(disk(wire, 2), disk(wire, 9));
    for (const names of [['e0.1'], ['--all']]) {
      const { exitCode, stderr, stdout } = await cli(['restart', ...names], wire.env);
      t.is(exitCode, 1);
      t.regex(stdout + stderr, /its target serves e0\.2@\S+ as well, from what \S+disk2 meant/);
    }
    await sameProcesses(t, wire, before);
    await jsonHere(['unexport', '--force', 'e0.2'], wire.env);
    await jsonHere(['restart', 'e0.1'], wire.env);
  },
);

testUnless(
  noRoot(),
  'D3: a daemon that alone has a deleted file is not ended for the restart of another export',
  async (t) => {
    const wire = await testWire(t);
    await exported(wire, [1, 2], 'native');
    const before = (await status(wire)).map(({ pids }) => pids);
    await rm(disk(wire, 2));
    const refused = await cli(['restart', 'e0.1'], wire.env);
    t.is(refused.exitCode, 1);
    t.true(refused.stderr.includes(`has ${disk(wire, 2)} open, which was deleted`), refused.stderr);
    const copy = /→ copy it: cp (\/proc\/\d+\/fd\/\d+) /.exec(refused.stderr)?.[1] ?? '';
    t.is((await stat(copy)).size, 1 << 20);
    const shown = await cli(['status', 'e0.2'], wire.env);
    t.true(
      shown.stdout.includes(`cp --sparse=always ${copy} ${disk(wire, 2)}, then aoe-lab restart`),
      shown.stdout,
    );
    await sameProcesses(t, wire, before);
    await jsonHere(['unexport', '--force', 'e0.2'], wire.env);
    await jsonHere(['restart', 'e0.1'], wire.env);
  },
);

for (const loop of [false, true]) {
  const title = `data: a daemon that alone has the former file of a name${loop ? ', behind a loop device,' : ''} is ended only by that export's own restart`;
  testUnless(noRoot(), title, async (t) => {
    const wire = await testWire(t);
    await exported(wire, [1], 'native');
    await exported(wire, [2], 'native', ...(loop ? ['--loop'] : []));
    const before = (await status(wire)).map(({ pids }) => pids);
    const written = await replaced(wire, 2);
    for (const names of [['e0.1'], ['--all']]) {
      const { exitCode, stderr, stdout } = await cliHere(['restart', ...names], wire.env);
      t.is(exitCode, 1, stderr);
      t.regex(stdout + stderr, /disk2 was removed, and lives on only as long as e0\.2@/);
      t.regex(stdout + stderr, /aoe-lab restart e0\.2@\S+, which takes what the name means now/);
      await sameProcesses(t, wire, before);
      if (loop) continue;
      const copy = /keep it: cp --sparse=always (\/proc\/\d+\/fd\/\d+) /.exec(stdout + stderr)?.[1] ?? '';
      t.deepEqual((await readFile(copy)).subarray(0, 512), written);
    }
    await jsonHere(['restart', 'e0.2'], wire.env);
    await jsonHere(['restart', '--all'], wire.env);
    t.true((await readFile(disk(wire, 2))).equals(Buffer.alloc(1 << 20)));
  });
}

testUnless(
  noRoot(),
  'D3: an export whose loop device can not be attached holds up no other of its daemon',
  async (t) => {
    const wire = await testWire(t);
    await exported(wire, [1], 'native');
    await exported(wire, [2], 'native', '--loop');
    const before = await status(wire);
    await killAll(before[0]?.pids.slice(0, 1) ?? []);
    while ((await status(wire)).some(({ state }) => state !== 'down'));
    await here.run(['losetup', '--detach', before[1]?.device as string]);
    await rename(disk(wire, 2), disk(wire, 9));
    const { exitCode, stderr, stdout } = await cli(['restart', '--all'], wire.env);
    t.is(exitCode, 1, stderr);
    t.regex(stdout, /^restarted e0\.1@/m);
    t.true(stdout.includes(`restarting ${idOf(wire, 2)}`), stdout);
    t.is((await status(wire))[0]?.wire, 'answers');
    // What comes and goes meanwhile does as well.
    await exported(wire, [3], 'native');
    await jsonHere(['unexport', '--force', 'e0.3'], wire.env);
    t.is((await status(wire))[0]?.wire, 'answers');
    await rename(disk(wire, 9), disk(wire, 2));
    await jsonHere(['restart', '--all'], wire.env);
    t.deepEqual(
      (await status(wire)).map(({ wire: answer }) => answer),
      ['answers', 'answers'],
    );
  },
);

testUnless(noRoot(), 'D3: an interface that is gone holds up no export on another one', async (t) => {
  const wire = await testWire(t);
  const inside = here.inNamespace(wire.netns);
  await inside.run(['ip', 'link', 'add', 'tgt2', 'type', 'veth', 'peer', 'name', 'ini2']);
  for (const end of ['tgt2', 'ini2'])
    await inside.run(['ip', 'link', 'set', end, 'addrgenmode', 'none', 'up']);
  await exported(wire, [1], 'native');
  await exported({ ...wire, target: 'tgt2' }, [2], 'native');
  await inside.run(['ip', 'link', 'del', 'tgt2']);
  const { exitCode, stdout } = await cli(['restart', '--all', '--json'], wire.env);
  t.is(exitCode, 1, stdout);
  const { restarted, failed } = JSON.parse(stdout) as Restarted;
  t.deepEqual(
    restarted.map(({ id }) => id),
    [idOf(wire, 1)],
  );
  t.deepEqual(
    failed.map(({ error }) => error.happened),
    ['there is no such interface'],
  );
  t.is((await status(wire))[0]?.wire, 'answers');
});

const disk = ({ folder }: TestWire, slot: number): string => join(folder, `disk${slot}`);
const idOf = ({ target, netns }: TestWire, slot: number): string => `e0.${slot}@${target}%${netns}`;

/** Writes to a file, and puts another one in its place. @returns its first sector */
async function replaced(wire: TestWire, slot: number): Promise<Buffer> {
  const written = Buffer.alloc(512, 'w');
  await writeFile(disk(wire, slot), written, { flag: 'r+' });
  await rm(disk(wire, slot));
  await writeFile(disk(wire, slot), Buffer.alloc(1 << 20));
  return written;
}

async function exported(wire: TestWire, slots: number[], name: string, ...more: string[]): Promise<void> {
  for (const slot of slots) {
    await writeFile(disk(wire, slot), '');
    await truncate(disk(wire, slot), 1 << 20);
    await jsonHere(exportOn(wire, name, slot, ...more), wire.env);
  }
}

async function status({ env }: TestWire): Promise<StatusReport['exports']> {
  return (await jsonHere<StatusReport>(['status'], env)).exports;
}

async function sameProcesses(t: ExecutionContext, wire: TestWire, before: number[][]): Promise<void> {
  t.deepEqual(
    (await status(wire)).map(({ pids }) => pids),
    before,
  );
}

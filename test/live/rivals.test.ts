/** Who answers for an address besides us: other machines of the segment, and other processes of this host. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { here } from '../../src/hosts/host/local.js';
import { findForeignTargets } from '../../src/serve/exports/foreign-targets.js';
import type { ExportStatus, StatusReport } from '../../src/serve/exports/status-report.js';
import { type CliResult, cli, jsonHere } from './support/cli.js';
import { assertNothingLeft, exportOn } from './support/export.js';
import { builtVblade, noRoot, testUnless } from './support/machine.js';
import { startNative } from './support/native-process.js';
import { type TestWire, testWire } from './support/wire.js';

const SIZE = 1 << 20;
const reason = noRoot();
const built = await builtVblade();
const noVblade = 'reason' in built ? built.reason : undefined;
const vblade = 'path' in built ? built.path : '';

/** A wire, with files for e0.1, e0.2 and of somebody else. */
async function scene(t: ExecutionContext): Promise<TestWire & { theirs: string }> {
  t.timeout(600_000);
  const wire = await testWire(t);
  const theirs = join(wire.folder, 'theirs');
  for (const [name, byte] of [
    ['disk1', 1],
    ['disk2', 2],
    ['theirs', 9],
  ] as const) {
    await writeFile(join(wire.folder, name), Buffer.alloc(SIZE, byte));
  }
  return { ...wire, theirs };
}

/** A process that somebody starts by hand; it has its socket when this resolves. */
async function byHand(t: ExecutionContext, wire: TestWire, argv: readonly string[]): Promise<number> {
  const before = await socketsOf(wire);
  const child = spawn('ip', ['netns', 'exec', wire.netns, ...argv], { stdio: 'ignore' });
  t.teardown(async () => {
    const ended = once(child, 'exit');
    if (child.exitCode === null && child.kill('SIGKILL')) await ended;
  });
  while ((await socketsOf(wire)) === before) {
    if (child.exitCode !== null) throw new Error(`${argv.join(' ')} ended with ${child.exitCode}`);
    await sleep(20);
  }
  // ip netns exec becomes what it starts.
  return child.pid as number;
}

async function socketsOf({ netns }: TestWire): Promise<number> {
  const { stdout } = await here.inNamespace(netns).run(['cat', '/proc/net/packet']);
  return stdout.split('\n').length;
}

async function statusOf(wire: TestWire): Promise<ExportStatus[]> {
  return (await jsonHere<StatusReport>(['status'], wire.env)).exports;
}

function assertRefused(t: ExecutionContext, result: CliResult, ...says: RegExp[]): void {
  t.is(result.exitCode, 2, result.stderr);
  for (const what of says) t.regex(result.stderr, what);
}

async function labOf(wire: TestWire): Promise<string> {
  const lab = join(wire.folder, 'lab.yaml');
  const at = `implementation: native, interface: ${wire.target}, netns: ${wire.netns}`;
  await writeFile(
    lab,
    `lab: t\nhosts: { me: { ssh: here } }\nexports:\n  - { host: me, address: e0.1, ${at}, file: ${wire.folder}/disk1 }\n`,
  );
  return lab;
}

testUnless(
  noVblade,
  'B1: an address that another machine of the segment answers for is refused, and a fault where it is served',
  async (t) => {
    const wire = await scene(t);
    await jsonHere(exportOn(wire, 'native', 1), wire.env);
    t.like((await statusOf(wire))[0], { state: 'serving', wire: 'answers', faults: [] });
    await byHand(t, wire, [vblade, '0', '1', wire.initiator, wire.theirs]);
    const [served] = await statusOf(wire);
    t.like(served, { state: 'impaired', wire: 'answers', remedy: null });
    t.regex(served?.faults.join('\n') ?? '', new RegExp(`another station answers for e0.1: ${wire.mac}`));
    const moved = await cli(['migrate', 'e0.1', '--to', 'vblade'], wire.env);
    assertRefused(t, moved, new RegExp(`another station answers for e0.1: ${wire.mac}`));
    assertRefused(t, await cli(['restart', 'e0.1'], wire.env), /another station answers for e0.1/);
    await jsonHere(['unexport', '--force', 'e0.1'], wire.env);
    const refused = await cli(exportOn(wire, 'native', 1), wire.env);
    assertRefused(
      t,
      refused,
      new RegExp(`another station answers for e0.1: ${wire.mac} on`),
      /another address/,
    );
    assertRefused(t, await cli([...exportOn(wire, 'native', 1), '--dry-run'], wire.env), /another station/);
    await jsonHere(exportOn(wire, 'native', 2), wire.env);
    t.like((await statusOf(wire))[0], { state: 'serving', wire: 'answers', faults: [] });
    await jsonHere(['unexport', '--force', 'e0.2'], wire.env);
    await assertNothingLeft(t, wire);
  },
);

testUnless(
  noVblade,
  'B2: a target that somebody started here is named with its process and how to stop it, by export, plan, apply, migrate and status',
  async (t) => {
    const wire = await scene(t);
    const lab = await labOf(wire);
    await jsonHere(exportOn(wire, 'native', 2), wire.env);
    // Under another name, with an option behind the operands, as getopt allows.
    const renamed = join(wire.folder, 'myblade');
    await copyFile(vblade, renamed);
    await here.run(['chmod', '755', renamed]);
    const pid = await byHand(t, wire, [renamed, '0', '1', wire.target, wire.theirs, '-r']);
    const says = new RegExp(`process ${pid} \\(.*myblade 0 1 tgt .*theirs -r\\) answers for e0.1 on tgt`);
    const refused = await cli(exportOn(wire, 'vblade', 1), wire.env);
    assertRefused(t, refused, says, new RegExp(`→ kill ${pid}`), /aoe-lab import/);
    const plan = await cli(['plan', '-f', lab], wire.env);
    t.is(plan.exitCode, 1, plan.stdout);
    t.regex(plan.stdout, says);
    const applied = await cli(['apply', '-f', lab, '--yes'], wire.env);
    t.is(applied.exitCode, 1);
    t.regex(applied.stderr, says);
    t.deepEqual(
      (await statusOf(wire)).map(({ id, state }) => [id, state]),
      [[`e0.2@tgt%${wire.netns}`, 'serving']],
    );
    t.deepEqual(await readFile(wire.theirs), Buffer.alloc(SIZE, 9));
  },
);

testUnless(
  noVblade,
  'B2: a target that somebody starts later is a fault of the export beside it',
  async (t) => {
    const wire = await scene(t);
    await jsonHere(exportOn(wire, 'vblade', 1), wire.env);
    const pid = await byHand(t, wire, [vblade, '0', '1', wire.target, wire.theirs]);
    const [served] = await statusOf(wire);
    t.like(served, { state: 'impaired', remedy: null });
    t.regex(
      served?.faults.join('\n') ?? '',
      new RegExp(`process ${pid} \\(.*\\) answers for e0.1 on tgt too: kill ${pid}`),
    );
    assertRefused(
      t,
      await cli(['migrate', 'e0.1', '--to', 'native'], wire.env),
      new RegExp(`process ${pid} `),
    );
    assertRefused(t, await cli(['restart', 'e0.1'], wire.env), new RegExp(`process ${pid} `));
    await jsonHere(['unexport', '--force', 'e0.1'], wire.env);
  },
);

testUnless(
  reason,
  'B2: an export of another state folder, and a native started by hand, are found by what their configuration says',
  async (t) => {
    const wire = await scene(t);
    const other = { AOE_LAB_STATE: join(wire.folder, 'other state') };
    await mkdir(other.AOE_LAB_STATE);
    await jsonHere(exportOn(wire, 'native', 1), other);
    t.teardown(() => cli(['unexport', '--force', '--all'], other));
    const refused = await cli([...exportOn(wire, 'native', 1), '--file', wire.theirs], wire.env);
    assertRefused(
      t,
      refused,
      /process \d+ .*native\.cjs.* answers for e0\.1 on tgt/,
      /AOE_LAB_STATE='.*other state' aoe-lab unexport/,
    );
    await jsonHere(['unexport', '--force', 'e0.1'], other);
    const exports = [{ shelf: 0, slot: 1, iface: wire.target, path: wire.theirs }];
    const { child } = await startNative(t, wire, { exports });
    const again = await cli(exportOn(wire, 'native', 1), wire.env);
    assertRefused(t, again, new RegExp(`process ${child.pid} .* answers for e0.1`));
    await jsonHere(exportOn(wire, 'native', 2), wire.env);
    t.like((await statusOf(wire))[0], { state: 'serving', wire: 'answers', faults: [] });
  },
);

testUnless(noVblade, 'programs that only ask are no targets, and what we started is ours', async (t) => {
  const wire = await scene(t);
  await jsonHere(exportOn(wire, 'vblade', 1), wire.env);
  const [served] = await statusOf(wire);
  const found = await findForeignTargets(here, wire.netns, []);
  t.deepEqual(
    found.map(({ pid, addresses }) => ({ pid, addresses })),
    [{ pid: served?.pids[0], addresses: [{ shelf: 0, slot: 1 }] }],
  );
  t.deepEqual(await findForeignTargets(here, wire.netns, [async () => served?.pids ?? []]), []);
  t.true(found[0]?.mark?.startsWith(wire.env.AOE_LAB_STATE as string));
});

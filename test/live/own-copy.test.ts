/** Native exports run from a copy of the code that they were made with. */
import { spawnSync } from 'node:child_process';
import { appendFile, cp, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { cacheFolder, packageRoot } from '../../src/base/files/paths.js';
import type { StatusReport } from '../../src/serve/exports/status-report.js';
import { ConfigCommand } from '../../src/wire/aoe/index.js';
import { openTarget } from '../../src/wire/initiator/open.js';
import { openPacketLink } from '../../src/wire/link/packet.js';
import { temporaryFolder } from '../base/temporary.js';
import { cli, jsonHere } from './support/cli.js';
import { assertNothingLeft, exportOn, killAll } from './support/export.js';
import { builtVblade, noRoot, testUnless } from './support/machine.js';
import { type TestWire, testWire } from './support/wire.js';

const built = await builtVblade();
const noVblade = 'reason' in built ? built.reason : undefined;

testUnless(
  noRoot(),
  'D4: a native export goes on when the package that made it is upgraded or removed, and restarts with the same code',
  async (t) => {
    const wire = await testWire(t);
    const other = await otherPackage(t);
    other.run(exportOn(wire, 'native', 1, '--size', '1M'), wire.env);
    other.run(exportOn(wire, 'native', 2, '--size', '1M'), wire.env);
    await rm(other.folder, { recursive: true });
    const before = await runsFrom(t, wire);
    await jsonHere(['restart', 'e0.1'], wire.env);
    t.is(await runsFrom(t, wire), before);
    await serving(t, wire, 2);
    await jsonHere(['unexport', '--force', '--all'], wire.env);
    await assertNothingLeft(t, wire);
  },
);

testUnless(
  noRoot(),
  'D4: restart --upgrade takes the code of this release, and keeps what initiators have set',
  async (t) => {
    const wire = await testWire(t);
    const other = await otherPackage(t);
    other.run(exportOn(wire, 'native', 1, '--size', '1M'), wire.env);
    other.run(exportOn(wire, 'native', 2, '--size', '1M'), wire.env);
    const old = await runsFrom(t, wire);
    await configString(wire, Buffer.from('mine'));
    const [before] = await status(wire);

    await jsonHere(['restart', 'e0.1', '--upgrade'], wire.env);
    const now = await runsFrom(t, wire);
    t.not(now, old);
    await serving(t, wire, 2);
    t.deepEqual(await configString(wire), Buffer.from('mine'));
    // Whoever inherited it may not have gathered it yet.
    const ended = await readFile(`/proc/${before?.pids[0]}/stat`, 'utf8').catch(() => 'gone) Z');
    t.regex(ended, /\) Z[^)]*$/, 'the old one has ended');
    // What is made from now on is served by the same process.
    await jsonHere(exportOn(wire, 'native', 3, '--size', '1M'), wire.env);
    t.is(await runsFrom(t, wire), now);
    await jsonHere(['unexport', '--force', '--all'], wire.env);
    await assertNothingLeft(t, wire);
  },
);

testUnless(
  noRoot(),
  'D4: status tells that the copy or the node of an export is gone, and restart brings it',
  async (t) => {
    const wire = await testWire(t);
    const other = await otherPackage(t);
    other.run(exportOn(wire, 'native', 1, '--size', '1M'), wire.env);
    const old = await runsFrom(t, wire);
    await configString(wire, Buffer.from('mine'));
    await rm(join(wire.env.AOE_LAB_STATE as string, 'artifacts'), { recursive: true });
    const [lost] = await status(wire);
    t.is(lost?.state, 'impaired');
    t.is(lost?.remedy, 'restart');
    t.regex(lost?.faults.join('\n') ?? '', /^the copy of its code is not there .*aoe-lab restart e0\.1@\S+$/);
    await jsonHere(['restart', 'e0.1'], wire.env);
    t.not(await runsFrom(t, wire), old, 'that code is nowhere any more');
    await serving(t, wire, 1);
    t.deepEqual(await configString(wire), Buffer.from('mine'));

    const path = join(wire.env.AOE_LAB_STATE as string, 'exports', `e0.1@${wire.target}%${wire.netns}.json`);
    const entry = JSON.parse(await readFile(path, 'utf8'));
    t.is(entry.node, process.execPath);
    await writeFile(path, JSON.stringify({ ...entry, node: '/no/such/node' }));
    const [fault] = (await status(wire))[0]?.faults ?? [];
    t.regex(fault ?? '', /^its node is not there \(\/no\/such\/node\): aoe-lab restart e0\.1@/);
    await jsonHere(['restart', 'e0.1'], wire.env);
    await serving(t, wire, 1);
    t.is(JSON.parse(await readFile(path, 'utf8')).node, process.execPath);
  },
);

interface OtherPackage {
  folder: string;
  run(args: readonly string[], env: Record<string, string>): void;
}

/** This package with other code of the native target, in a folder of its own. */
async function otherPackage(t: ExecutionContext): Promise<OtherPackage> {
  const folder = join(await temporaryFolder(t), 'package');
  await mkdir(folder);
  for (const name of ['package.json', 'recipes', 'modules', 'patches', 'templates', 'dist/bin']) {
    await cp(join(packageRoot, name), join(folder, name), { recursive: true });
  }
  await symlink(join(packageRoot, 'node_modules'), join(folder, 'node_modules'));
  await appendFile(join(folder, 'dist', 'bin', 'native.code.cjs'), '// another release\n');
  const main = join(folder, 'dist', 'bin', 'aoe-lab.cjs');
  return {
    folder,
    run: (args, env) => {
      const all = { ...process.env, AOE_LAB_CACHE: cacheFolder(), ...env };
      const { status, stderr } = spawnSync(process.execPath, [main, ...args], { env: all, encoding: 'utf8' });
      if (status !== 0) throw new Error(stderr);
    },
  };
}

/** Folder of the code that the process of all exports runs. */
async function runsFrom(t: ExecutionContext, wire: TestWire): Promise<string> {
  const pids = [...new Set((await status(wire)).flatMap((one) => one.pids))];
  t.is(pids.length, 1);
  const words = (await readFile(`/proc/${pids[0]}/cmdline`, 'utf8')).split('\0');
  t.is(words[0], process.execPath);
  const code = words[1] ?? '';
  t.true(code.startsWith(`${wire.env.AOE_LAB_STATE}/artifacts/`), code);
  return code;
}

/** That of e0.1, set first if it is given. */
async function configString(wire: TestWire, string?: Buffer): Promise<Buffer | undefined> {
  const link = await openPacketLink({ iface: wire.initiator, netns: wire.netns });
  try {
    const target = await openTarget(link, { shelf: 0, slot: 1 });
    if (string !== undefined) await target.queryConfig({ ccmd: ConfigCommand.forceSet, string });
    return (await target.queryConfig())?.configString;
  } finally {
    await link.close();
  }
}

async function status({ env }: TestWire): Promise<StatusReport['exports']> {
  return (await jsonHere<StatusReport>(['status'], env)).exports;
}

async function serving(t: ExecutionContext, wire: TestWire, count: number): Promise<void> {
  t.deepEqual(
    (await status(wire)).map(({ state, faults, wire: answer }) => [state, faults, answer]),
    Array.from({ length: count }, () => ['serving', [], 'answers']),
  );
}

testUnless(
  noVblade,
  'D4: a program that is gone is told and brought from the store; where that has none, nothing is stopped',
  async (t) => {
    const wire = await testWire(t);
    await jsonHere(exportOn(wire, 'vblade', 1, '--size', '1M', '--restart', 'on-failure'), wire.env);
    const artifacts = join(wire.env.AOE_LAB_STATE as string, 'artifacts');
    await rm(artifacts, { recursive: true });
    const [lost] = await status(wire);
    t.regex(
      lost?.faults.join('\n') ?? '',
      /^its program is not there \(.*vblade\): aoe-lab restart e0\.1@\S+$/,
    );
    const empty = join(wire.folder, 'no store');
    await mkdir(empty);
    const refused = await cli(['restart', 'e0.1'], { ...wire.env, AOE_LAB_CACHE: empty });
    t.is(refused.exitCode, 3, refused.stderr);
    t.regex(
      refused.stderr,
      /is gone, and the store here has no such build\n {2}→ aoe-lab build vblade --release 25/,
    );
    t.deepEqual((await status(wire))[0]?.pids, lost?.pids, 'it serves on');
    // Its supervisor is left, which has nothing open but the log.
    for (const pid of lost?.pids ?? []) {
      if ((await readFile(`/proc/${pid}/comm`, 'utf8')) === 'vblade\n') await killAll([pid]);
    }
    const [alone] = await status(wire);
    t.notRegex(alone?.faults.join('\n') ?? '', /replaced/);
    await jsonHere(['restart', 'e0.1'], wire.env);
    await serving(t, wire, 1);
  },
);

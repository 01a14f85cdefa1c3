/** Exports that move between targets, with I/O under way, with new targets that are no good, and killed half way. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { here } from '../../src/hosts/host/local.js';
import { findProcesses } from '../../src/serve/exports/processes.js';
import { restartTargets } from '../../src/serve/exports/restart.js';
import { exportStatus } from '../../src/serve/exports/status.js';
import type { StatusReport } from '../../src/serve/exports/status-report.js';
import type { MigrationReport } from '../../src/serve/migrate/migrate.js';
import { listLoops } from '../../src/serve/storage/loop.js';
import { parseMac } from '../../src/wire/aoe/index.js';
import { openTarget } from '../../src/wire/initiator/open.js';
import { openPacketLink } from '../../src/wire/link/packet.js';
import { cli, jsonHere, MAIN } from './support/cli.js';
import { assertNothingLeft, discoverOn, exportOn, type Found, killAll } from './support/export.js';
import { builtVblade, LONG, sourceTree, testUnless } from './support/machine.js';
import { steadyIo } from './support/steady-io.js';
import { type TestWire, testWire } from './support/wire.js';

const SIZE = 4 << 20;
/** `AOE_LAB_KILL_ROUNDS` sets it for long runs. */
const ROUNDS = Number(process.env.AOE_LAB_KILL_ROUNDS ?? (LONG ? 4 : 2));

const built = await builtVblade();
const noVblade = 'reason' in built ? built.reason : undefined;
const ggaoed = sourceTree('ggaoed-1.1');
const qaoed = sourceTree('qaoed-trunk');

/** A file of random bytes, and a copy of them. */
async function disk(wire: TestWire, slot: number): Promise<Buffer> {
  const content = randomBytes(SIZE);
  await writeFile(join(wire.folder, `disk${slot}`), content);
  return content;
}

/** Moves it, agreed to whatever is lost: between two implementations the disk's model and serial always are. */
function move(wire: TestWire, to: string, ...more: string[]): Promise<MigrationReport> {
  return jsonHere<MigrationReport>(['migrate', 'e0.1', '--to', to, '--yes', ...more], wire.env);
}

/** Losses besides those. */
function others(losses: readonly string[]): string[] {
  return losses.filter((loss) => !loss.startsWith('model '));
}

/** A recipe like vblade's, with another name and some lines changed; in a folder of its own. */
async function ownRecipe(
  wire: TestWire,
  name: string,
  change: (text: string) => string,
): Promise<Record<string, string>> {
  const folder = join(wire.folder, 'recipes');
  await mkdir(folder, { recursive: true });
  const text = await readFile('recipes/vblade.yaml', 'utf8');
  await writeFile(join(folder, `${name}.yaml`), change(text.replace('name: vblade', `name: ${name}`)));
  return { ...wire.env, AOE_LAB_RECIPES: folder };
}

/**
 * Kills a move at a random moment.
 * @param afterBegin milliseconds after its entry says that it moves; else any time
 * @returns the signal that ended it, null if it was faster
 */
async function killed(
  wire: TestWire,
  to: string,
  afterBegin: number | undefined,
  whole: number,
): Promise<string | null> {
  const child = spawn(process.execPath, [MAIN, 'migrate', 'e0.1', '--to', to, '--yes'], {
    env: { ...process.env, ...wire.env },
    stdio: 'ignore',
  });
  const ended = new Promise<string | null>((resolve) => {
    child.once('exit', (_, signal) => resolve(signal));
  });
  const entry = join(wire.env.AOE_LAB_STATE as string, 'exports', `e0.1@${wire.target}%${wire.netns}.json`);
  if (afterBegin === undefined) await sleep(whole * Math.random());
  else {
    const begun = async () => (await readFile(entry, 'utf8')).includes('"phase": "moving"');
    while (child.exitCode === null && !(await begun())) await sleep(5);
    await sleep(afterBegin);
  }
  child.kill('SIGKILL');
  return ended;
}

async function only(wire: TestWire): Promise<StatusReport['exports'][number]> {
  const { exports, orphans } = await jsonHere<StatusReport>(['status'], wire.env);
  const [one] = exports;
  if (one === undefined || exports.length > 1 || orphans.length > 0) {
    throw new Error(`exports: ${JSON.stringify(exports)}, orphans: ${JSON.stringify(orphans)}`);
  }
  return one;
}

const chain: [string, string[], string | undefined][] = [
  ['native', [], noVblade],
  [
    'ggaoed',
    ['--release', '1.1', '--source', 'path' in ggaoed ? ggaoed.path : ''],
    noVblade ?? ('reason' in ggaoed ? ggaoed.reason : undefined),
  ],
  [
    'qaoed',
    ['--source', 'path' in qaoed ? qaoed.path : ''],
    noVblade ?? ('reason' in qaoed ? qaoed.reason : undefined),
  ],
];

for (const [name, where, reason] of chain) {
  testUnless(
    reason,
    `an export moves from vblade to ${name} and back under reads and writes, and loses none of them`,
    async (t) => {
      t.timeout(600_000);
      const wire = await testWire(t);
      const content = await disk(wire, 1);
      const made = await jsonHere<{ mac: string }>(exportOn(wire, 'vblade', 1), wire.env);
      const io = await steadyIo(t, wire, 1, content);
      for (const [to, more] of [
        [name, where],
        ['vblade', []],
      ] as [string, string[]][]) {
        const report = await move(wire, to, ...more);
        t.deepEqual(others(report.losses), []);
        t.like(report, { before: { sectors: SIZE / 512 }, after: { sectors: SIZE / 512 } });
        t.log(
          `${report.from} to ${report.to}: ${report.gap?.longest.toFixed(0)} ms, ${report.gap?.unanswered} of ${report.gap?.requests} requests unanswered`,
        );
        const now = await only(wire);
        t.like(now, { implementation: to, state: 'serving', wire: 'answers' });
        // A shell that handed over may not have ended when it was reported.
        t.true(now.pids.every((pid) => report.pids.includes(pid)));
        const found = await jsonHere<Found[]>(discoverOn(wire), wire.env);
        t.deepEqual(
          found.map(({ mac, sectors }) => ({ mac, sectors })),
          [{ mac: made.mac, sectors: SIZE / 512 }],
        );
      }
      const { reads, writes } = await io.stop();
      t.log(`${reads} reads and ${writes} writes meanwhile`);
      await io.check(await readFile(join(wire.folder, 'disk1')));
      await jsonHere(['unexport', '--force', 'e0.1'], wire.env);
      await assertNothingLeft(t, wire);
    },
  );
}

testUnless(
  noVblade,
  'what initiators had set moves along: config string, MAC mask list and reservation',
  async (t) => {
    t.timeout(600_000);
    const wire = await testWire(t);
    await disk(wire, 1);
    await jsonHere(exportOn(wire, 'vblade', 1), wire.env);
    const link = await openPacketLink({ iface: wire.initiator, netns: wire.netns });
    t.teardown(() => link.close());
    const open = () => openTarget(link, { shelf: 0, slot: 1 });
    const own = parseMac(wire.mac) as number;
    const target = await open();
    await target.queryConfig({ ccmd: 4, string: Buffer.from('of the test') });
    await target.access.editMasks({ add: [own] });
    await target.access.reserve([own]);
    for (const to of ['native', 'vblade']) {
      const { state, losses } = await move(wire, to);
      t.deepEqual(others(losses), []);
      t.deepEqual(state?.masks, [wire.mac]);
      const now = await open();
      t.is(now.config.configString.toString(), 'of the test');
      t.deepEqual(await now.access.maskList(), [own]);
      t.deepEqual(await now.access.reservation(), [own]);
    }
    // A second mask moves as well; that clients find another disk has to be agreed to.
    await move(wire, 'native');
    const second = 0x02_00_00_00_00_09;
    await (await open()).access.editMasks({ add: [second] });
    const refused = await cli(['migrate', 'e0.1', '--to', 'vblade'], wire.env);
    t.is(refused.exitCode, 2);
    t.regex(
      refused.stderr,
      /would be lost:\s+model "aoe-lab native target" becomes "Coraid EtherDrive vblade", serial "[0-9a-f]{20}" becomes "0\.1:…"/,
    );
    t.is((await only(wire)).implementation, 'native');
    const agreed = await move(wire, 'vblade');
    t.is(agreed.losses.length, 1);
    t.deepEqual(new Set(await (await open()).access.maskList()), new Set([own, second]));
    t.is((await open()).config.configString.toString(), 'of the test');
  },
);

/** Words in the place of one in vblade's command lines. */
const instead =
  (of: string, ...words: string[]) =>
  (text: string): string =>
    text.replaceAll(new RegExp(`^( +)- "{{${of}}}"$`, 'gm'), (_, indent: string) =>
      words.map((word) => `${indent}- "${word}"`).join('\n'),
    );

const UNFIT: [string, (text: string) => string, RegExp, boolean][] = [
  ['does not start', instead('shelf', '-x'), /it ended at once/, true],
  ['serves another address', instead('slot', '77'), /e0\.1 did not answer/, true],
  // Until that is found out it answers, and what goes beyond its end fails.
  ['serves another size', instead('shelf', '-l', '8', '{{shelf}}'), /8 sectors rather than 8192/, false],
];

for (const [what, change, says, underIo] of UNFIT) {
  testUnless(
    noVblade,
    `a new target that ${what} gives the export back${underIo ? ', under reads and writes' : ''}`,
    async (t) => {
      t.timeout(600_000);
      const wire = await testWire(t);
      const env = await ownRecipe(wire, 'unfit', change);
      const content = await disk(wire, 1);
      await jsonHere(exportOn(wire, 'native', 1, '--buffer-count', '9'), wire.env);
      const io = underIo ? await steadyIo(t, wire, 1, content) : undefined;
      const refused = await cli(['migrate', 'e0.1', '--to', 'unfit', '--yes'], env);
      t.is(refused.exitCode, 1, refused.stderr);
      t.regex(refused.stderr, says);
      t.regex(refused.stderr, /native 1 serves it again, as before/);
      t.like(await only(wire), {
        implementation: 'native',
        state: 'serving',
        wire: 'answers',
        options: { bufferCount: 9 },
      });
      await io?.stop();
      await io?.check(await readFile(join(wire.folder, 'disk1')));
      await jsonHere(['unexport', '--force', 'e0.1'], wire.env);
      await assertNothingLeft(t, wire);
    },
  );
}

testUnless(
  noVblade,
  'a target that takes devices only gets a loop device, which goes on to serve after the next move and ends with the export',
  async (t) => {
    t.timeout(600_000);
    const wire = await testWire(t);
    wire.env = await ownRecipe(wire, 'devices', (text) =>
      text.replaceAll('backing: file', 'backing: device'),
    );
    const content = await disk(wire, 1);
    const file = join(wire.folder, 'disk1');
    await jsonHere(exportOn(wire, 'vblade', 1), wire.env);
    const io = await steadyIo(t, wire, 1, content);
    const there = await move(wire, 'devices');
    t.regex(there.notes.join(), /gets a loop device/);
    t.deepEqual(
      (await listLoops(here, file)).map(({ device }) => device),
      [there.device],
    );
    const back = await move(wire, 'native');
    t.is(back.device, there.device);
    await io.stop();
    await here.run(['sync']);
    await io.check(await readFile(file));
    await jsonHere(['unexport', '--force', 'e0.1'], wire.env);
    t.deepEqual(await listLoops(here, file), []);
    await assertNothingLeft(t, wire);
  },
);

testUnless(
  noVblade,
  'another export of the same daemon goes on undisturbed, with what was set on it',
  async (t) => {
    t.timeout(600_000);
    const wire = await testWire(t);
    const content = await disk(wire, 2);
    await disk(wire, 1);
    await jsonHere(exportOn(wire, 'native', 1), wire.env);
    const beside = await jsonHere<{ pids: number[] }>(exportOn(wire, 'native', 2), wire.env);
    const io = await steadyIo(t, wire, 2, content);
    const link = await openPacketLink({ iface: wire.initiator, netns: wire.netns });
    t.teardown(() => link.close());
    // It shares a busy machine with the workers, and answers when it can.
    const patience = { timeout: 90_000, findTimeout: 90_000 };
    const target = await openTarget(link, { shelf: 0, slot: 2 }, patience);
    await target.queryConfig({ ccmd: 4, string: Buffer.from('beside') });
    await move(wire, 'vblade');
    const back = await move(wire, 'native');
    t.deepEqual(back.pids, beside.pids);
    t.is((await target.queryConfig())?.configString.toString(), 'beside');
    const { reads } = await io.stop();
    t.true(reads > 0);
  },
);

testUnless(noVblade, 'what can not be meant is refused, and nothing is touched', async (t) => {
  t.timeout(600_000);
  const wire = await testWire(t);
  await disk(wire, 1);
  const { pids } = await jsonHere<{ pids: number[] }>(
    exportOn(wire, 'vblade', 1, '--offset', '8', '--length', '100'),
    wire.env,
  );
  const none = await cli(['migrate', 'e0.2', '--to', 'native'], wire.env);
  t.is(none.exitCode, 2);
  t.regex(none.stderr, /not exported here/);
  const same = await cli(['migrate', 'e0.1', '--to', 'vblade'], wire.env);
  t.is(same.exitCode, 2);
  t.regex(same.stderr, /this very build of it/);
  const dry = await jsonHere<{ commands: string[][]; files: { path: string }[] }>(
    ['migrate', 'e0.1', '--to', 'native', '--dry-run'],
    wire.env,
  );
  t.deepEqual(dry.commands[0], ['kill', '-TERM', ...pids.map(String)]);
  t.regex(dry.files[0]?.path ?? '', /native\.json$/);
  t.deepEqual((await only(wire)).pids, pids);
  await killAll(pids.slice(0, 1));
  const down = await cli(['migrate', 'e0.1', '--to', 'native'], wire.env);
  t.is(down.exitCode, 1);
  t.regex(down.stderr, /it is not served now[\s\S]*aoe-lab restart e0\.1/);
});

testUnless(
  noVblade,
  `${ROUNDS} moves killed with -9 at random moments: one target serves, and no data is lost`,
  async (t) => {
    t.timeout(900_000);
    const wire = await testWire(t);
    process.env.AOE_LAB_STATE = wire.env.AOE_LAB_STATE;
    const content = await disk(wire, 1);
    const file = join(wire.folder, 'disk1');
    await jsonHere(exportOn(wire, 'vblade', 1), wire.env);
    const io = await steadyIo(t, wire, 1, content);
    const started = performance.now();
    await move(wire, 'native');
    const whole = performance.now() - started;
    const counts = { finished: 0, unfinished: 0, prepared: 0 };
    for (let round = 0; round < ROUNDS; round++) {
      const before = await only(wire);
      const to = before.implementation === 'native' ? 'vblade' : 'native';
      // Every other round once it has begun to change something, which is a small part of its time.
      const signal = await killed(wire, to, round % 2 === 0 ? 0.3 * whole * Math.random() : undefined, whole);
      const { exports } = await exportStatus(here);
      t.is(exports.length, 1);
      const state = exports[0]?.state;
      if (signal === null) counts.finished++;
      else if (state === 'unfinished') counts.unfinished++;
      else counts.prepared++;
      t.true(state === 'serving' || state === 'unfinished', `${state}: ${exports[0]?.faults.join()}`);
      if (state === 'unfinished')
        t.regex(exports[0]?.faults.join() ?? '', /moves from (vblade 25|native 1) to/);
      // Any command that changes something recovers it.
      if (round % 2 === 0 || state === 'serving') await restartTargets(here, ['e0.1']);
      else await move(wire, to);
      const after = await only(wire);
      t.like(after, { state: 'serving', wire: 'answers', faults: [] });
      const processes = await findProcesses(here, wire.env.AOE_LAB_STATE as string);
      t.deepEqual([...processes.values()].flat(), after.pids, 'nobody else serves');
    }
    const { reads, writes } = await io.stop();
    t.log(
      `a move took ${whole.toFixed(0)} ms; of ${ROUNDS} ${counts.finished} finished, ${counts.prepared} were killed before they changed anything or when all was done, ${counts.unfinished} half way; ${reads} reads, ${writes} writes`,
    );
    await io.check(await readFile(file));
    await jsonHere(['unexport', '--force', '--all'], wire.env);
    await assertNothingLeft(t, wire);
  },
);

/** Two frames from anyone shut an export; its host tells that, clears it, and can forbid it. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { here } from '../../src/hosts/host/local.js';
import type { Check } from '../../src/manage/doctor/check.js';
import type { Diagnosis } from '../../src/manage/doctor/doctor.js';
import type { AccessReport } from '../../src/serve/exports/change-access.js';
import type { ExportReport } from '../../src/serve/exports/export.js';
import { findProcesses } from '../../src/serve/exports/processes.js';
import type { StatusReport } from '../../src/serve/exports/status-report.js';
import { detachLoop } from '../../src/serve/storage/loop.js';
import { parseMac } from '../../src/wire/aoe/index.js';
import { AoeAnswerError, MaskAnswerError } from '../../src/wire/initiator/faults.js';
import { openTarget } from '../../src/wire/initiator/open.js';
import type { Target } from '../../src/wire/initiator/target.js';
import { openPacketLink } from '../../src/wire/link/packet.js';
import { cli, cliJson } from './support/cli.js';
import { askFrom, assertNothingLeft, exportOn, killAll } from './support/export.js';
import { labCli, labJson } from './support/lab-hosts.js';
import { noCompiler, noRoot, sourceTree, testUnless } from './support/machine.js';
import { loopOn } from './support/own-dev.js';
import { noSshLab, sshLab } from './support/ssh-lab.js';
import { type TestWire, testWire } from './support/wire.js';

const SOMEBODY = '02:00:00:00:00:99';
const MAC = parseMac(SOMEBODY) as number;

type Segment = Pick<TestWire, 'initiator' | 'netns'>;

async function withTarget<T>(wire: Segment, slot: number, job: (target: Target) => Promise<T>): Promise<T> {
  const link = await openPacketLink({ iface: wire.initiator, netns: wire.netns });
  try {
    return await job(await openTarget(link, { shelf: 0, slot }));
  } finally {
    await link.close();
  }
}

/** What a stranger on the segment sends. */
function shut(wire: Segment, slot: number): Promise<void> {
  return withTarget(wire, slot, async ({ access }) => {
    await access.reserve([MAC]);
    await access.editMasks({ add: [MAC] });
  });
}

async function assertReads(t: ExecutionContext, wire: TestWire, slot: number): Promise<void> {
  t.is(await withTarget(wire, slot, async (target) => (await target.read(0, 1))[0]), slot);
}

/** What the doctor says of who may use exports. */
async function doctorOf(wire: TestWire): Promise<Check[]> {
  const { stdout } = await cli(['doctor', '--json'], wire.env);
  return (JSON.parse(stdout) as Diagnosis).checks.filter(({ name }) => name.startsWith('access to '));
}

async function killed(wire: TestWire, id: string): Promise<void> {
  const found = await findProcesses(here, wire.env.AOE_LAB_STATE as string);
  await killAll([...found.values()].flat());
  await cliJson(['restart', id], wire.env);
}

function access(wire: TestWire, ...words: string[]): Promise<AccessReport> {
  return cliJson<AccessReport>(['access', ...words], wire.env);
}

async function disk(wire: TestWire, slot: number): Promise<void> {
  await writeFile(join(wire.folder, `disk${slot}`), Buffer.alloc(1 << 20, slot));
}

testUnless(
  noRoot(),
  '13: native: what strangers set is named, cleared while it serves, and forbidden by a lock, kill -9 or not',
  async (t) => {
    t.timeout(600_000);
    const wire = await testWire(t);
    t.deepEqual(await doctorOf(wire), []);
    await disk(wire, 1);
    await disk(wire, 2);
    await cliJson(exportOn(wire, 'native', 1), wire.env);
    // For listed initiators alone: locked without being asked.
    await cliJson(exportOn(wire, 'native', 2, '--mac', wire.mac), wire.env);
    await withTarget(wire, 1, (target) =>
      target.queryConfig({ ccmd: 4, string: Buffer.from('mine\u001b[1m') }),
    );
    t.like(await doctorOf(wire), [{ name: 'access to exports', fine: true }]);
    await shut(wire, 1);
    const [diagnosed, ...others] = await doctorOf(wire);
    t.like(diagnosed, { name: `access to e0.1@tgt%${wire.netns}`, fine: false });
    t.regex(diagnosed?.detail ?? '', /^aoe-lab access e0\.1@tgt%\S+ --clear removes list and reservation/);
    t.regex(diagnosed?.detail ?? '', /MAC mask list 02:00:.* reservation for 02:00:/);
    t.deepEqual(others, []);
    const human = await cli(['status'], wire.env);
    t.true(human.stdout.includes(`set over the wire: MAC mask list ${SOMEBODY}`), human.stdout);
    t.regex(human.stdout, /aoe-lab access e0\.1@tgt%\S+ --clear removes list and reservation/);
    t.false(human.stdout.includes('\u001b'));
    const { exports } = await cliJson<StatusReport>(['status'], wire.env);
    const set = { masks: [SOMEBODY], reservation: [SOMEBODY], reserved: true, locked: false };
    t.like(exports[0], { faults: [], remedy: null, access: { ...set, configString: 'mine\u001b[1m' } });
    t.regex(exports[0]?.unchecked ?? '', /MAC mask list.* leaves out .*aoe-lab access/);
    t.like(exports[1], { access: { masks: [], locked: true }, options: { lockAccess: true } });
    const refused = await cli(
      ['read', 'e0.1', ...askFrom(wire), '--length', '512', '--output', '-'],
      wire.env,
    );
    t.regex(refused.stderr, /did not answer[\s\S]*aoe-lab access e0\.1 on its host/);
    const stays = await cli(['migrate', 'e0.1', '--to', 'sqaoed', '--dry-run'], wire.env);
    t.regex(stays.stderr, /mask list that was set over the wire leaves out[\s\S]*access e0\.1@\S+ --clear/);

    const { pids } = exports[0] as StatusReport['exports'][number];
    const cleared = await access(wire, 'e0.1', '--clear');
    t.like(cleared.exports[0]?.access, {
      masks: [],
      reservation: [],
      reserved: false,
      configString: 'mine\u001b[1m',
    });
    await assertReads(t, wire, 1);
    t.like(await doctorOf(wire), [{ fine: true }]);
    t.deepEqual((await cliJson<StatusReport>(['status'], wire.env)).exports[0]?.pids, pids);

    // What is set after that stays, and names its holder's way out to everybody else.
    await withTarget(wire, 1, (target) => target.access.reserve([MAC]));
    await killed(wire, 'e0.1');
    const reserved = await t.throwsAsync(assertReads(t, wire, 1), { instanceOf: AoeAnswerError });
    t.regex(String((reserved as AoeAnswerError).facts.next), /aoe-lab access e0\.1 on its host/);

    await access(wire, 'e0.1', '--clear', '--lock');
    for (const kill of [false, true]) {
      if (kill) await killed(wire, 'e0.1');
      await assertReads(t, wire, 1);
      for (const slot of [1, 2]) {
        await withTarget(wire, slot, async (target) => {
          const force = { force: true };
          await t.throwsAsync(target.access.reserve([MAC], force), { instanceOf: AoeAnswerError });
          const error = await t.throwsAsync(target.access.editMasks({ add: [MAC] }), {
            instanceOf: MaskAnswerError,
          });
          t.regex(String((error as MaskAnswerError).facts.next), /locked/);
        });
      }
    }
    const { exports: locked } = await access(wire);
    t.deepEqual(
      locked.map((one) => one.access?.locked),
      [true, true],
    );
    await access(wire, 'e0.2', '--unlock');
    await withTarget(wire, 2, (target) => target.access.reserve([MAC]));
    t.like((await access(wire, 'e0.2')).exports[0]?.access, { reservation: [SOMEBODY], locked: false });
    await cliJson(['unexport', '--force', '--all'], wire.env);
    await assertNothingLeft(t, wire);
  },
);

const ggaoed = sourceTree('ggaoed-1.1');
testUnless(
  noRoot() ?? noCompiler() ?? ('reason' in ggaoed ? ggaoed.reason : undefined),
  '13: ggaoed: what it keeps in its folder is named, and cleared while it serves; it can not be locked',
  async (t) => {
    t.timeout(600_000);
    const wire = await testWire(t);
    await disk(wire, 1);
    const source = 'path' in ggaoed ? ['--source', ggaoed.path] : [];
    const { pids } = await cliJson<{ pids: number[] }>(exportOn(wire, 'ggaoed', 1, ...source), wire.env);
    await shut(wire, 1);
    const set = { masks: [SOMEBODY], reservation: [SOMEBODY], reserved: true, locked: false };
    t.like((await cliJson<StatusReport>(['status'], wire.env)).exports[0], { access: set, faults: [] });
    await access(wire, 'e0.1', '--clear');
    await assertReads(t, wire, 1);
    // Shut again, and cleared while it does not run.
    await shut(wire, 1);
    await killAll(pids);
    t.like((await access(wire, 'e0.1', '--clear')).exports[0]?.access, { masks: [], reservation: [] });
    await cliJson(['restart', 'e0.1'], wire.env);
    await assertReads(t, wire, 1);
    const { stderr, exitCode } = await cli(['access', 'e0.1', '--lock'], wire.env);
    t.is(exitCode, 2);
    t.regex(stderr, /ggaoed 1\.1 can't be told to refuse changes over the wire/);
  },
);

const vblade = sourceTree('vblade-21');
testUnless(
  noRoot() ?? noCompiler() ?? ('reason' in vblade ? vblade.reason : undefined),
  '13: vblade: what it keeps in its memory is asked for over the wire, and cleared by a restart',
  async (t) => {
    t.timeout(600_000);
    const wire = await testWire(t);
    await disk(wire, 1);
    const where = 'path' in vblade ? ['--release', '21', '--source', vblade.path] : [];
    await cliJson(exportOn(wire, 'vblade', 1, ...where), wire.env);
    await withTarget(wire, 1, (target) => target.access.reserve([MAC]));
    const { exports } = await access(wire, 'e0.1');
    t.like(exports[0], { unknown: null, access: { masks: [], reservation: [SOMEBODY] } });
    await shut(wire, 1).catch(() => {});
    const { stderr } = await cli(['access', 'e0.1', '--clear'], wire.env);
    t.regex(stderr, /was restarted/);
    await assertReads(t, wire, 1);
  },
);

testUnless(
  noRoot(),
  '13: native: what is set outlives another loop device, and that its daemon runs without the export for a while',
  async (t) => {
    t.timeout(600_000);
    const wire = await testWire(t);
    for (const slot of [1, 2, 3]) await disk(wire, slot);
    await cliJson(exportOn(wire, 'native', 1), wire.env);
    await cliJson(exportOn(wire, 'native', 2), wire.env);
    const { device } = await cliJson<ExportReport>(exportOn(wire, 'native', 3, '--loop'), wire.env);
    for (const slot of [2, 3]) await shut(wire, slot);
    const found = await findProcesses(here, wire.env.AOE_LAB_STATE as string);
    await killAll([...found.values()].flat());
    // Somebody looks at the one, and has taken the number of the other.
    const user = await loopOn(t, join(wire.folder, 'disk2'), 1 << 20);
    await detachLoop(here, device as string);
    await loopOn(t, join(wire.folder, 'disk1'), 1 << 20);
    await cli(['restart', 'e0.1', '--allow', 'in-use'], wire.env);
    await cliJson(['unexport', 'e0.1'], wire.env);
    await detachLoop(here, user);
    await cliJson(['restart', '--all'], wire.env);
    const { exports } = await access(wire);
    t.deepEqual(
      exports.map(({ access: set }) => [set?.masks, set?.reservation]),
      [
        [[SOMEBODY], [SOMEBODY]],
        [[SOMEBODY], [SOMEBODY]],
      ],
    );
    await cliJson(['unexport', '--all', '--force'], wire.env);
    await assertNothingLeft(t, wire);
  },
);

testUnless(
  noSshLab(),
  '13: doctor names the exports of a host that strangers have closed, and the command given there opens them',
  async (t) => {
    t.timeout(600_000);
    const lab = await sshLab(t, ['one']);
    const doctor = async (): Promise<Check[]> => {
      const { result } = await labJson<Diagnosis>(lab, ['doctor', '--host', 'one']);
      return result.checks.filter(({ name }) => name.startsWith('access to '));
    };
    const file = ['--file', '/srv/disk', '--size', '1M'];
    const place = ['--impl', 'native', '--iface', 'san0', '--shelf', '0', '--slot', '1'];
    const exported = await labJson<ExportReport>(lab, ['export', '--host', 'one', ...place, ...file]);
    t.is(exported.exitCode, 0, exported.stderr);
    t.like(await doctor(), [{ name: 'access to exports', fine: true }]);
    await shut({ initiator: 'san0', netns: lab.netns }, 1);
    const [closed, ...others] = await doctor();
    t.deepEqual(others, []);
    t.like(closed, { name: 'access to e0.1@san0', fine: false });
    t.regex(closed?.detail ?? '', /MAC mask list 02:00:.* reservation for 02:00:/);
    const [, command = ''] = /^aoe-lab (access .* --clear) removes/.exec(closed?.detail ?? '') ?? [];
    t.is(command, 'access e0.1@san0 --host one --clear');
    t.is((await labCli(lab, command.split(' '))).exitCode, 0);
    t.like(await doctor(), [{ fine: true }]);
  },
);

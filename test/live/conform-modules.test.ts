/** The suite against a module in a guest: through the hub, with restarts and power cuts. */
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { here } from '../../src/hosts/host/local.js';
import { findCommand } from '../../src/make/compile/requirements.js';
import { must } from '../../src/prove/conform/case.js';
import { conform } from '../../src/prove/conform/conform.js';
import type { ConformReport } from '../../src/prove/conform/results.js';
import { selectCases } from '../../src/prove/conform/select.js';
import { sharedFolder } from '../make/patch/trees.js';
import { cli } from './support/cli.js';
import { noGuests, ordinary, testUnless } from './support/machine.js';

const reason = (await noGuests()) ?? (findCommand('bwrap') === undefined ? 'needs bwrap' : undefined);

const state = join(sharedFolder(), 'state');
process.env.AOE_LAB_STATE = state;

/** One of each kind: what reads and writes the disk, lists, a restart; a power cut goes with the crash. */
const SOME = [
  'ata-48.Write.Neighbours',
  'ata-48.Write.PastEnd',
  'masks.Served.UnlistedWrite',
  'reserve.Set.ByOther',
  'persistence.Restart.Serves',
];
const MORE = 'ata-48.Write.*|masks.Served.*|reserve.Set.*|persistence.Restart.Serves|persistence.Kill.Writes';

testUnless(
  reason,
  "conform: the stand-in of vblade-kernel, in a guest, does as its recipe says; a crash of the guest's kernel is a case's, and the next one runs",
  async (t) => {
    t.timeout(900_000);
    const served = must('t.After.One', 'It reads', 'test', async (probe) => {
      await probe.read(0, 2);
    });
    const crasher = must('t.Crash.One', 'It lives on', 'test', async (probe) => {
      const guest = await onlyGuest();
      // Not awaited: no answer comes back.
      void guest.run(['sh', '-c', 'echo c > /proc/sysrq-trigger']).catch(() => {});
      while (await probe.dut.alive()) await probe.pulse();
    });
    const some = selectCases(SOME.join('|'));
    t.is(some.length, SOME.length);
    const cases = [...some, ...selectCases('persistence.Kill.Writes'), crasher, served];
    const report = await conform(here, 'vblade-kernel', { cases, mtu: 1500 });
    t.deepEqual(
      report.cases.map(({ name, outcome }) => [name, outcome]),
      cases.map((one) => [one.name, one === crasher ? 'crash' : 'passed']),
    );
    t.regex(report.cases.at(-2)?.seen ?? '', /^its guest ended: .*sysrq|^its guest ended: .*[Pp]anic/);
    t.is(report.trouble.length, 1);
    t.is(report.target.place, 'guest');
    t.regex(report.target.kernel, /^6\.1\./);
    t.deepEqual(await leftovers(), []);
  },
);

testUnless(
  reason ?? ordinary,
  'conform: the command tries the stand-in of vblade-kernel in a guest',
  async (t) => {
    t.timeout(900_000);
    const args = ['conform', '--impl', 'vblade-kernel', '--only', MORE, '--json'];
    const { exitCode, stdout, stderr } = await cli(args, {});
    t.is(exitCode, 0, stderr);
    const report = JSON.parse(stdout) as ConformReport;
    t.is(report.total, selectCases(MORE).length);
    t.like(report, { failed: 0, skipped: 0, trouble: [], passed: report.total });
    t.is(report.target.place, 'guest');
    t.deepEqual(await leftovers(), []);
  },
);

test('conform: a daemon is not tried in a guest', async (t) => {
  const { exitCode, stderr } = await cli(['conform', '--impl', 'native', '--target', 'vm'], {});
  t.is(exitCode, 2);
  t.regex(stderr, /guests have kernel modules as targets only/);
});

async function onlyGuest() {
  const { attachGuest, listGuests } = await import('../../src/prove/vm/index.js');
  const [record] = await listGuests();
  if (record === undefined) throw new Error('there is no guest');
  return (await attachGuest(record)).host;
}

/** Guests and folders of this process, or of commands that are dead. */
async function leftovers(): Promise<string[]> {
  const guests = await here.list(join(state, 'vm'));
  const folders = (await readdir(tmpdir())).filter((name) =>
    name.startsWith(`aoe-lab-conform-${process.pid}-`),
  );
  return [...guests, ...folders];
}

/** The whole conformance suite against vblade and native: nothing that their recipes don't tell. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { here } from '../../src/hosts/host/local.js';
import { must } from '../../src/prove/conform/case.js';
import { conform } from '../../src/prove/conform/conform.js';
import type { ConformReport } from '../../src/prove/conform/results.js';
import { findProcesses } from '../../src/serve/exports/processes.js';
import { temporaryFolder } from '../base/temporary.js';
import { cli } from './support/cli.js';
import { builtVblade, noRoot, testUnless } from './support/machine.js';

const built = await builtVblade();

testUnless(
  'reason' in built ? built.reason : undefined,
  'conform: vblade deviates as its recipe says, and by nothing else',
  async (t) => {
    t.timeout(600_000);
    const folder = await temporaryFolder(t);
    const [junit, html] = [join(folder, 'conform.xml'), join(folder, 'conform.html')];
    const args = ['conform', '--impl', 'vblade', '--json', '--junit', junit, '--html', html];
    const { exitCode, stdout, stderr } = await cli(args, { AOE_LAB_STATE: join(folder, 'state') });
    const report = JSON.parse(stdout) as ConformReport;
    t.deepEqual(unexplained(report), []);
    t.is(exitCode, 0, stderr);
    t.like(report, { implementation: 'vblade', release: '25', unexplained: 0, skipped: 0 });
    t.true(report.total >= 150);
    t.is(report.ran, report.total);
    t.is(report.passed + report.known, report.total);
    t.true(report.known > 0);
    t.regex(await readFile(junit, 'utf8'), /<testsuites name="aoe-lab conform" tests="\d+" failures="0"/);
    t.regex(await readFile(html, 'utf8'), /<td>vblade 25<\/td>/);
  },
);

testUnless(
  'reason' in built ? built.reason : undefined,
  'conform: a real target that is killed or stands still is brought back, and nothing is left of the run',
  async (t) => {
    const state = join(await temporaryFolder(t), 'state');
    process.env.AOE_LAB_STATE = state;
    const signal = (name: string, sent: NodeJS.Signals) =>
      must(name, 'It lives on', 'test', async () => {
        const pids = [...(await findProcesses(here, state))].filter(([mark]) => mark.includes('e7.3@'));
        for (const pid of pids.flatMap(([, found]) => found)) process.kill(pid, sent);
      });
    const ok = must('t.After.One', 'It reads', 'test', async (probe) => {
      await probe.read(0, 2);
    });
    const cases = [signal('t.Signal.Kill', 'SIGKILL'), ok, signal('t.Signal.Stop', 'SIGSTOP'), ok];
    const report = await conform(here, 'vblade', { cases, mtu: 1500 });
    t.deepEqual(
      report.cases.map(({ outcome }) => outcome),
      ['crash', 'passed', 'hang', 'passed'],
    );
    t.deepEqual([...(await findProcesses(here, state))], []);
    t.deepEqual(await ownNamespaces(), []);
  },
);

testUnless(
  'reason' in built ? built.reason : undefined,
  'conform: a run that is ended takes everything away',
  async (t) => {
    const state = join(await temporaryFolder(t), 'state');
    process.env.AOE_LAB_STATE = state;
    const stop = new AbortController();
    const waiting = must('t.Wait.One', 'It waits', 'test', async () => {
      stop.abort(new Error('ended by SIGTERM'));
      await new Promise(() => {});
    });
    const running = conform(here, 'vblade', { cases: [waiting], mtu: 1500, signal: stop.signal });
    await t.throwsAsync(running, { message: 'ended by SIGTERM' });
    t.deepEqual([...(await findProcesses(here, state))], []);
    t.deepEqual(await ownNamespaces(), []);
  },
);

testUnless(noRoot(), 'conform: native passes every case', async (t) => {
  t.timeout(600_000);
  const folder = await temporaryFolder(t);
  const args = ['conform', '--impl', 'native', '--json'];
  const { exitCode, stdout, stderr } = await cli(args, { AOE_LAB_STATE: join(folder, 'state') });
  const report = JSON.parse(stdout) as ConformReport;
  t.deepEqual(unexplained(report), []);
  t.is(exitCode, 0, stderr);
  t.is(report.passed, report.total);
  t.true(report.total >= 150);
});

async function ownNamespaces(): Promise<string[]> {
  const names = await here.list('/run/netns');
  return names.filter((name) => name.startsWith(`aoe-lab-conform-${process.pid}-`));
}

function unexplained({ cases }: ConformReport): string[] {
  return cases
    .filter(({ outcome, quirk }) => outcome !== 'passed' && outcome !== 'skipped' && quirk === undefined)
    .map(({ name, seen }) => `${name}: ${seen}`);
}

/** The acceptance tests against real targets, with the real aoe driver in a guest. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { here } from '../../src/hosts/host/local.js';
import { findCommand } from '../../src/make/compile/requirements.js';
import type { AcceptanceReport } from '../../src/prove/acceptance/acceptance.js';
import { Testbed } from '../../src/prove/testbed/testbed.js';
import { type GuestRecord, listGuests } from '../../src/prove/vm/index.js';
import { temporaryFolder } from '../base/temporary.js';
import { cli, cliJson } from './support/cli.js';
import { leftovers } from './support/leftovers.js';
import { FILE, LONG, noGuests, noRoot, sourceTree, testUnless } from './support/machine.js';

const reason = noRoot() ?? (await noGuests());
const noModules = reason ?? (findCommand('bwrap') === undefined ? 'needs bwrap' : undefined);
const kvblade = sourceTree('kvblade-alpha-3');
const aoeserver = sourceTree('aoeserver-trunk');

/** Test 1 is tried with a target in a guest, test 3 with one here. */
const CASES: { impl: string; tests: string; lacking: string | undefined; source?: string }[] = [
  { impl: 'native', tests: LONG ? '1,3' : '3', lacking: reason },
  { impl: 'vblade-kernel', tests: LONG ? '1,4' : '1', lacking: noModules },
  { impl: 'kvblade', tests: '1,4', ...need(kvblade) },
  { impl: 'aoeserver', tests: '1', ...need(aoeserver) },
];

/** Milliseconds: a guest is booting, and a target serves. */
const KILL_AFTER = 6000;

function need(tree: ReturnType<typeof sourceTree>): { lacking: string | undefined; source?: string } {
  return 'path' in tree ? { lacking: noModules, source: tree.path } : { lacking: tree.reason };
}

/** Whether it is a guest of this process. */
function isOwn({ owner }: GuestRecord): boolean {
  return owner.pid === process.pid;
}

/** Guests whose command is dead; those of other runs on this machine are theirs. */
async function abandonedGuests(): Promise<string[]> {
  const guests = (await listGuests()).filter(({ stays }) => !stays);
  const dead = await Promise.all(
    guests.map(async ({ owner }) => (await here.stat(`/proc/${owner.pid}`)) === undefined),
  );
  return guests.filter((_, index) => dead[index]).map(({ name }) => name);
}

for (const { impl, tests, lacking, source } of CASES) {
  const killed = impl === 'native' ? ', of it or of the killed run before' : '';
  testUnless(lacking, `verify: ${impl} passes tests ${tests}, and nothing is left${killed}`, async (t) => {
    t.timeout(600_000);
    const state = await temporaryFolder(t);
    const env = { AOE_LAB_STATE: state };
    const from = source === undefined ? [] : ['--source', source];
    const args = ['verify', '--impl', impl, '--test', tests, ...from, ...FILE];
    for (const killAfter of impl !== 'native' ? [] : LONG ? [3000, 9000] : [KILL_AFTER]) {
      t.is((await cli(args, env, { killAfter })).signal, 'SIGKILL');
    }
    const report = await cliJson<AcceptanceReport>(args, env);
    t.true(report.passed);
    t.is(report.tests.length, tests.split(',').length);
    t.true(report.tests.every(({ steps }) => steps.length > 3 && steps.every(({ passed }) => passed)));
    t.is(report.target.place, impl === 'native' ? 'here' : 'guest');
    t.log(`${report.seconds} s, of them ${report.setUpSeconds} s before the tests`);
    t.deepEqual(await leftovers(), []);
    t.deepEqual(
      await readdir(state, { recursive: true }).then((names) =>
        names.filter((name) => /json|log$/.test(name)),
      ),
      [],
    );
    t.deepEqual(await abandonedGuests(), []);
  });
}

testUnless(
  noRoot(),
  'verify: the initiator of aoe-lab as the client skips what needs a device, and passes the rest',
  async (t) => {
    t.timeout(600_000);
    const folder = await temporaryFolder(t);
    const [junit, html] = [join(folder, 'verify.xml'), join(folder, 'verify.html')];
    const args = ['verify', '--impl', 'native', '--initiator', 'here', '--junit', junit, '--html', html];
    const report = await cliJson<AcceptanceReport>(args, { AOE_LAB_STATE: join(folder, 'state') });
    t.true(report.passed);
    t.is(report.client.driver, 'aoe-lab');
    t.deepEqual(
      report.tests.map(({ name, passed, skipped }) => [name, passed, skipped]),
      [
        ['basic', true, false],
        ['load', false, true],
        ['failure', true, false],
        ['restart', true, false],
      ],
    );
    const steps = report.tests.flatMap((one) => one.steps);
    t.true(steps.every(({ passed, skipped }) => passed !== skipped));
    const named = steps.filter(({ skipped }) => skipped).map(({ name }) => name);
    t.true(['mkfs.ext4', 'mount'].every((name) => named.includes(name)));
    const xml = await readFile(junit, 'utf8');
    t.true(xml.includes(`tests="${steps.length}" failures="0" skipped="${named.length}"`));
    const page = await readFile(html, 'utf8');
    for (const { name } of steps) t.true(page.includes(name.replaceAll("'", '&#x27;')), name);
    t.deepEqual(await leftovers(), []);
  },
);

testUnless(reason, 'verify: a guest that boots while everything is taken away does not stay', async (t) => {
  t.timeout(600_000);
  const testbed = await Testbed.open(here, { purpose: 'verify', mtu: 1500 });
  const late = testbed.guest('late', {}).then(
    () => 'up',
    (error: Error) => error.name,
  );
  // It is on its way.
  while (!(await listGuests()).some(isOwn)) await sleep(100);
  await testbed.close();
  t.is(await late, 'AbortError');
  t.false((await listGuests()).some(isOwn));
});

test('verify: an unknown test is refused', async (t) => {
  await t.throwsAsync(cliJson(['verify', '--impl', 'native', '--test', '9'], {}), {
    message: /ended with 2/,
  });
});

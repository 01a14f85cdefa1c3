/** A module in a guest and a daemon here, measured side by side over a hub: counts and data are asserted, speed never. */

import { here } from '../../src/hosts/host/local.js';
import { findCommand } from '../../src/make/compile/requirements.js';
import type { BenchReport } from '../../src/prove/bench/bench-report.js';
import { isSkipped } from '../../src/prove/bench/results.js';
import { temporaryFolder } from '../base/temporary.js';
import { cliJson } from './support/cli.js';
import { leftovers } from './support/leftovers.js';
import { noGuests, noRoot, testUnless } from './support/machine.js';

const reason =
  noRoot() ?? (await noGuests()) ?? (findCommand('bwrap') === undefined ? 'needs bwrap' : undefined);

testUnless(reason, 'bench: a module in a guest beside native, both over a hub', async (t) => {
  t.timeout(600_000);
  const state = await temporaryFolder(t);
  const short = ['--seconds', '0.5', '--rounds', '2', '--file-size', '8M', '--depth', '4', '--size', '1k'];
  const args = ['bench', '--impl', 'vblade-kernel,native', ...short, '--mix', 'read,write', '--no-ceiling'];
  const report = await cliJson<BenchReport>(args, { AOE_LAB_STATE: state });
  t.deepEqual(report.skipped, []);
  t.deepEqual(
    report.contenders.map(({ name }) => name),
    ['vblade-kernel', 'native'],
  );
  t.regex(report.contenders[0]?.setUp ?? '', /^over the hub, in .* guest of Linux 6\.1/);
  t.regex(report.contenders[1]?.setUp ?? '', /^over the hub, /);
  t.true(report.notes.some((note) => note.includes('pass a hub')));
  for (const { name, results } of report.points) {
    for (const result of results) {
      if (isSkipped(result)) {
        t.fail(`${name}: ${result.contender} was skipped: ${result.skipped}`);
        continue;
      }
      t.true(result.answered > 0, `${name}: ${result.contender} answered`);
      t.like(result, { wrong: 0, errors: 0 }, `${name}: ${result.contender}: ${result.example}`);
      t.true(result.compared > 0);
    }
  }
  t.deepEqual(await here.list(`${state}/vm`), []);
  t.deepEqual(await leftovers(), []);
});

/** A short run of the whole benchmark: counts and data are asserted, speed never. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { here } from '../../../src/hosts/host/local.js';
import { findCommand } from '../../../src/make/compile/requirements.js';
import type { BenchReport } from '../../../src/prove/bench/bench-report.js';
import { isSkipped, type PointResult } from '../../../src/prove/bench/results.js';
import { temporaryFolder } from '../../base/temporary.js';
import { cli, cliJson } from '../../live/support/cli.js';
import { leftovers } from '../../live/support/leftovers.js';
import { builtVblade, testUnless } from '../../live/support/machine.js';

const built = await builtVblade();
const reason = 'reason' in built ? built.reason : undefined;

const short = ['--seconds', '0.3', '--rounds', '2', '--file-size', '8M'];

testUnless(
  reason,
  'vblade is measured, its answers are compared with the file, and nothing is left',
  async (t) => {
    const folder = await temporaryFolder(t);
    const env = { AOE_LAB_STATE: join(folder, 'state') };
    const args = [
      'bench',
      '--impl',
      'vblade',
      ...short,
      '--folder',
      folder,
      '--depth',
      '1,64',
      '--size',
      '1k',
    ];
    const pictures = ['--svg', join(folder, 'b.svg'), '--html', join(folder, 'b.html')];
    const report = await cliJson<BenchReport>([...args, '--mix', 'read,write,70/30', ...pictures], env);
    t.deepEqual(
      report.contenders.map(({ name }) => name),
      ['vblade', 'reflector'],
    );
    t.is(report.points.length, 6);
    for (const { name, reads, results } of report.points) {
      t.is(results.length, 2);
      for (const result of results) {
        if (isSkipped(result)) {
          t.fail(`${name}: ${result.contender} was skipped: ${result.skipped}`);
          continue;
        }
        checkCounts(t, name, result);
        if (result.contender === 'vblade') {
          t.true(result.compared > 0, `${name}: some answers or writes were compared`);
          t.is(result.ratio?.median, 1);
          t.true((result.cpuPerRequest?.median ?? 0) > 0);
        }
        t.is(result.latency !== undefined, true);
        t.true(reads >= 0);
      }
    }
    t.true(report.notes.some((note) => note.includes('vblade advertises 16 buffers')));
    t.regex(await readFile(join(folder, 'b.svg'), 'utf8'), /^<svg [\s\S]*<\/svg>\n$/);
    t.regex(await readFile(join(folder, 'b.html'), 'utf8'), /<svg /);
    t.deepEqual(
      (await here.list(folder)).filter((name) => name.startsWith('aoe-lab-bench')),
      [],
    );
    t.deepEqual(await leftovers(), []);
    t.is((await stat(join(folder, 'b.svg'))).isFile(), true);
  },
);

const others = ['nbdkit', 'qemu-nbd'].filter((command) => findCommand(command) !== undefined);

testUnless(
  reason ?? (others.length === 0 ? 'needs nbdkit or qemu-nbd' : undefined),
  'NBD servers are measured with the same sizes, their data compared, writes found in the file',
  async (t) => {
    const folder = await temporaryFolder(t);
    const env = { AOE_LAB_STATE: join(folder, 'state') };
    const args = ['bench', '--impl', others.join(','), ...short, '--folder', folder, '--no-ceiling'];
    const report = await cliJson<BenchReport>(
      [...args, '--depth', '16', '--size', '8k', '--mix', 'read,write,50/50'],
      env,
    );
    t.deepEqual(
      report.contenders.map(({ name }) => name),
      others,
    );
    for (const { name, results } of report.points) {
      t.is(results.length, others.length);
      for (const result of results as PointResult[]) {
        checkCounts(t, name, result);
        t.true(result.compared > 0);
      }
    }
    t.deepEqual(await leftovers(), []);
  },
);

testUnless(
  reason,
  'one that can not take part is named with the reason, the others are measured',
  async (t) => {
    const folder = await temporaryFolder(t);
    const env = { AOE_LAB_STATE: join(folder, 'state') };
    const args = ['bench', ...short, '--folder', folder, '--depth', '4', '--size', '1k,8k'];
    const report = await cliJson<BenchReport>(
      [...args, '--impl', 'vblade,sqaoed@trunk', '--mix', 'read', '--mtu', '1500', '--offline'],
      env,
    );
    t.deepEqual(
      report.skipped.map(({ contender }) => contender),
      ['sqaoed@trunk'],
    );
    const [small, large] = report.points.map(({ results }) => results[0]);
    t.true(small !== undefined && !isSkipped(small));
    t.like(report.points[1]?.results[1], {
      contender: 'reflector',
      skipped: '8 KiB do not fit a frame at MTU 1500',
    });
    t.like(large, { contender: 'vblade', skipped: 'it takes 2 sectors a frame, 8 KiB are 16' });
    const none = await cli([...args, '--impl', 'sqaoed@trunk', '--offline'], env);
    t.is(none.exitCode, 3);
    t.regex(none.stderr, /sqaoed/);
  },
);

function checkCounts(
  t: { true(value: boolean, message?: string): void; is<T>(a: T, b: T, message?: string): void },
  name: string,
  result: PointResult,
): void {
  const { contender, iops, answered, runs, errors, wrong, lost, repeated, late } = result;
  t.is(runs.length, 2, `${name}: ${contender}`);
  t.true(iops.min > 0 && iops.min <= iops.median && iops.median <= iops.max);
  t.true(answered >= runs.reduce((sum, { requests }) => sum + requests, 0));
  t.is(errors + wrong, 0, `${name}: ${contender}: ${result.example ?? ''}`);
  t.true(lost <= repeated && lost + late >= 0);
}

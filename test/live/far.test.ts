/** verify, conform and bench with targets on hosts over SSH, in a namespace that shares their segment. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { keepsInterface } from '../../src/hosts/host/spare.js';
import type { AcceptanceReport } from '../../src/prove/acceptance/acceptance.js';
import type { BenchReport } from '../../src/prove/bench/bench-report.js';
import { isSkipped } from '../../src/prove/bench/results.js';
import type { ConformReport } from '../../src/prove/conform/results.js';
import { MAIN } from './support/cli.js';
import { reachLabHost } from './support/lab-host.js';
import { labCli, labEnvironment, labJson, onHost } from './support/lab-hosts.js';
import { builtVblade, testUnless } from './support/machine.js';
import { type LabHost, noSshLab, type SshLab, sshLab } from './support/ssh-lab.js';

const vblade = await builtVblade();
const reason = noSshLab() ?? ('reason' in vblade ? vblade.reason : undefined);
const SITE = ['--iface', 'san0', '--wire', 'san0'];

async function nothingLeft(t: ExecutionContext, lab: SshLab, host: LabHost): Promise<void> {
  t.deepEqual(await readdir(join(host.upper, 'var/lib/aoe-lab')), []);
  const processes = onHost(t, lab, host.name, 'ps -e -o args=');
  t.notRegex(processes, /vblade|native\/main/);
}

testUnless(
  reason,
  'conform on two hosts at once, each heard by itself, and nothing is left there',
  async (t) => {
    t.timeout(600_000);
    const lab = await sshLab(t, ['one', 'two']);
    const [one, two] = lab.hosts as [LabHost, LabHost];
    const only =
      'addressing.Own.*|addressing.Wildcard.*|addressing.Ethernet.*|persistence.Kill.Writes|persistence.Kill.ConfigString';
    const suite = ['--only', only, ...SITE];
    const { exitCode, result, stderr } = await labJson<(ConformReport & { host: string })[]>(lab, [
      ...['conform', '--impl', 'vblade', '--host', 'one,two', ...suite],
    ]);
    t.is(exitCode, 0, stderr);
    t.deepEqual(
      result.map(({ host, target, unexplained, skipped, ran, total }) => [
        ...[host, target.place, target.host, unexplained, skipped, ran === total],
      ]),
      ['one', 'two'].map((name) => [name, 'host', name, 0, 0, true]),
    );
    t.true(result.every(({ passed, known, total }) => known > 0 && passed + known === total && total > 10));
    for (const host of [one, two]) await nothingLeft(t, lab, host);

    const native = ['conform', '--impl', 'native', '--host', 'one', ...suite];
    const alone = await labJson<ConformReport>(lab, native);
    t.is(alone.exitCode, 0, alone.stderr);
    t.is(alone.result.passed, alone.result.total);

    const place = ['--shelf', '1', '--slot', '1', '--iface', 'san0', '--file', '/srv/a', '--size', '1M'];
    t.is((await labCli(lab, ['export', '--impl', 'vblade', '--host', 'two', ...place])).exitCode, 0);
    const refused = await labCli(lab, native);
    t.is(refused.exitCode, 2);
    t.regex(refused.stderr, /others answer there: e1\.1 from/);
    const beside = await labCli(
      lab,
      native.map((word) => (word === 'one' ? 'two' : word)),
    );
    t.is(beside.exitCode, 2);
    t.regex(beside.stderr, /it serves e1\.1@san0/);
    await nothingLeft(t, lab, one);
  },
);

testUnless(
  reason,
  'verify on a host: outages at the hub and of its interface; what SSH comes in by is left alone',
  async (t) => {
    t.timeout(600_000);
    const lab = await sshLab(t, ['one']);
    const [one] = lab.hosts as [LabHost];
    const { exitCode, result, stderr } = await labJson<AcceptanceReport>(lab, [
      ...['verify', '--impl', 'vblade', '--target', 'one', '--initiator', 'here', '--test', '1,3', ...SITE],
    ]);
    t.is(exitCode, 0, stderr);
    t.like(result, { passed: true, mtu: 9000, target: { place: 'host', host: 'one' } });
    t.regex(result.findings.join(), /it ended when its interface went down/);
    t.regex(onHost(t, lab, 'one', 'ip -o link show san0'), /,UP/);
    await nothingLeft(t, lab, one);
    const host = await reachLabHost(t, lab, one);
    t.regex((await keepsInterface(host, 'eth0')) ?? '', /eth0 has the IP address 10\.77\.1\.1/);
    t.is(await keepsInterface(host, 'san0'), undefined);
    for (const words of [
      ['--target', 'one'],
      ['--iface', 'san0', '--wire', 'san0'],
      ['--initiator', 'one'],
      ['--target', 'one', '--initiator', 'two', ...SITE],
    ]) {
      t.is((await labCli(lab, ['verify', '--impl', 'vblade', ...words])).exitCode, 2);
    }
  },
);

testUnless(
  reason,
  'what a killed test had exported on a host ends with the next command there',
  async (t) => {
    t.timeout(600_000);
    const lab = await sshLab(t, ['one']);
    const [one] = lab.hosts as [LabHost];
    const words = ['verify', '--impl', 'vblade', '--target', 'one', '--initiator', 'here', ...SITE];
    const [program = '', ...args] = lab.inside([process.execPath, MAIN, ...words]);
    const child = spawn(program, args, { env: { ...process.env, ...labEnvironment(lab) }, stdio: 'ignore' });
    const closed = new Promise((resolve) => child.once('close', resolve));
    const entry = join(one.upper, 'var/lib/aoe-lab/exports/e2784.1@san0.json');
    const isThere = async () => (await readFile(entry, 'utf8').catch(() => '')).includes('"running"');
    while (child.exitCode === null && !(await isThere())) await sleep(50);
    t.is(child.exitCode, null);
    const begun = onHost(t, lab, 'one', 'ls /var/lib/aoe-lab/trials');
    t.regex(begun, /^verify-[0-9a-f]{8}$/);
    // As long as it runs, others leave it alone.
    t.is((await labCli(lab, ['restart', '--host', 'one', '--all'])).exitCode, 0);
    t.true(existsSync(entry));
    child.kill('SIGKILL');
    await closed;
    const next = await labCli(lab, ['restart', '--host', 'one', '--all']);
    t.is(next.exitCode, 0);
    t.regex(next.stderr, /recovered on one: e2784\.1@san0/);
    await nothingLeft(t, lab, one);
  },
);

testUnless(reason, 'bench on a host: two points, writes looked for in its file', async (t) => {
  t.timeout(600_000);
  const lab = await sshLab(t, ['one']);
  const [one] = lab.hosts as [LabHost];
  const { exitCode, result, stderr } = await labJson<BenchReport>(lab, [
    ...['bench', '--impl', 'vblade', '--host', 'one', ...SITE, '--depth', '4', '--size', '1k'],
    ...['--seconds', '0.2', '--rounds', '1', '--file-size', '8M', '--folder', '/srv'],
  ]);
  t.is(exitCode, 0, stderr);
  t.is(result.machine.host, 'one');
  const measured = result.points.flatMap(({ results }) => results.filter((one) => !isSkipped(one)));
  t.is(measured.length, 2);
  for (const figures of measured) {
    t.like(figures, { wrong: 0, errors: 0, unanswered: 0 });
    if (isSkipped(figures)) continue;
    t.true(figures.answered > 0 && figures.compared > 0 && (figures.cpuPerRequest?.median ?? 0) >= 0);
  }
  await nothingLeft(t, lab, one);
  t.deepEqual(await readdir(join(one.upper, 'srv')), []);
  const others = ['bench', '--impl', 'fio', '--host', 'one', ...SITE, '--file-size', '8M'];
  t.regex((await labCli(lab, others)).stderr, /it is run on this machine only/);
});

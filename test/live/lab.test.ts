/** lab.yaml on real hosts over SSH: planned, applied, repaired, destroyed, and killed in between. */
import type { LabPlan } from '../../src/manage/lab/actions.js';
import {
  contentsOf,
  labCli,
  labImplementations,
  labJson,
  onHost,
  writeLabFile,
} from './support/lab-hosts.js';
import { builtVblade, testUnless } from './support/machine.js';
import { noSshLab, sshLab } from './support/ssh-lab.js';

const built = await builtVblade();
const reason = noSshLab() ?? ('reason' in built ? built.reason : undefined);

const implementations = labImplementations();
const names = Object.keys(implementations);

interface Applied {
  outcomes: { host: string; id: string; kind: string; result: string; error?: { happened: string } }[];
  troubles: unknown[];
  unchanged: number;
}

const HOSTS = ['one', 'two', 'three'];

/** Twelve exports, four a host, over all implementations at hand; every third one on a loop device. */
function labOf(more: object = {}): object {
  return {
    lab: 'test',
    segments: { san: { interface: 'san0', mtu: 9000 } },
    defaults: { segment: 'san', size: '1M' },
    implementations,
    hosts: Object.fromEntries(HOSTS.map((host) => [host, {}])),
    exports: Array.from({ length: 12 }, (_, index) => ({
      address: `e1.${index}`,
      host: HOSTS[index % 3],
      implementation: names[Math.floor(index / 3) % names.length],
      file: `/srv/lab/${index}.img`,
      ...(index % 4 === 1 ? { loop: true } : {}),
    })),
    ...more,
  };
}

testUnless(
  reason,
  `a lab of 3 hosts and 12 exports over ${names.join(', ')}: applied, nothing left to do, repaired, destroyed`,
  async (t) => {
    t.timeout(600_000);
    const lab = await sshLab(t, HOSTS);
    const file = await writeLabFile(lab, labOf());
    for (const { name } of lab.hosts) onHost(t, lab, name, 'mkdir -p /var/lib/aoe-lab /srv/lab');
    const before = await Promise.all(lab.hosts.map((host) => contentsOf(t, lab, host)));

    const first = await labJson<LabPlan>(lab, ['plan', '-f', file]);
    t.is(first.exitCode, 5);
    t.deepEqual([first.result.actions.length, first.result.troubles], [12, []]);

    const applied = await labJson<Applied>(lab, ['apply', '-f', file, '--yes']);
    t.deepEqual(
      applied.result.outcomes.filter(({ result }) => result !== 'done'),
      [],
      applied.stderr,
    );
    t.is(applied.exitCode, 0);
    const second = await labJson<LabPlan>(lab, ['plan', '-f', file]);
    t.deepEqual([second.exitCode, second.result.unchanged], [0, 12], JSON.stringify(second.result));
    const again = await labJson<Applied>(lab, ['apply', '-f', file, '--yes']);
    t.deepEqual([again.exitCode, again.result.outcomes], [0, []]);

    t.log(onHost(t, lab, 'one', 'ps -e -o pid,args'));
    const found = await labJson<{ shelf: number; slot: number }[]>(lab, ['discover', '--iface', 'san0']);
    t.deepEqual(
      found.result.map(({ shelf, slot }) => `${shelf}.${slot}`).sort(),
      Array.from({ length: 12 }, (_, index) => `1.${index}`).sort(),
    );

    // A daemon is killed, and all of its host's plan shows is that.
    onHost(t, lab, 'two', 'pkill -9 vblade');
    const drifted = await labJson<LabPlan>(lab, ['plan', '-f', file]);
    t.is(drifted.exitCode, 5);
    t.true(drifted.result.actions.every(({ host, kind }) => host === 'two' && kind === 'restart'));
    t.true(drifted.result.actions.length > 0);
    t.is((await labCli(lab, ['apply', '-f', file, '--yes'])).exitCode, 0);
    t.is((await labCli(lab, ['plan', '-f', file])).exitCode, 0);

    const destroyed = await labJson<Applied>(lab, ['destroy', '-f', file, '--yes', '--allow', 'used']);
    t.deepEqual(
      destroyed.result.outcomes.filter(({ result }) => result !== 'done'),
      [],
      destroyed.stderr,
    );
    const after = await Promise.all(lab.hosts.map((host) => contentsOf(t, lab, host)));
    t.deepEqual(after, before);
  },
);

/** `apply` killed at any moment: the next one reaches what the file says, nothing is exported twice and nothing is lost. */
import type { LabPlan } from '../../src/manage/lab/actions.js';
import { contentsOf, labCli, labJson, onHost, writeLabFile } from './support/lab-hosts.js';
import { builtVblade, testUnless } from './support/machine.js';
import { noSshLab, sshLab } from './support/ssh-lab.js';

const ROUNDS = Number(process.env.AOE_LAB_KILL_ROUNDS ?? 2);

const built = await builtVblade();

interface Wanted {
  address: string;
  host: string;
  file: string;
  loop?: boolean;
  options?: object;
}

/** From each to the other: an address moves to another host, options and files change, one ends, one is renumbered. */
const LABS: Wanted[][] = [
  [
    { address: 'e2.0', host: 'one', file: '/srv/lab/kept' },
    { address: 'e2.1', host: 'one', file: '/srv/lab/1', loop: true },
    { address: 'e2.2', host: 'two', file: '/srv/lab/2' },
    { address: 'e2.3', host: 'two', file: '/srv/lab/3' },
    { address: 'e2.4', host: 'three', file: '/srv/lab/4' },
    { address: 'e2.5', host: 'three', file: '/srv/lab/5', loop: true },
  ],
  [
    { address: 'e2.0', host: 'two', file: '/srv/lab/0' },
    { address: 'e2.1', host: 'one', file: '/srv/lab/1', loop: true, options: { readOnly: true } },
    { address: 'e2.2', host: 'two', file: '/srv/lab/other' },
    { address: 'e2.4', host: 'three', file: '/srv/lab/4' },
    { address: 'e2.6', host: 'three', file: '/srv/lab/5' },
    { address: 'e2.7', host: 'one', file: '/srv/lab/kept' },
  ],
];

function labOf(exports: readonly Wanted[]): object {
  return {
    lab: 'test',
    segments: { san: { interface: 'san0' } },
    defaults: { implementation: 'vblade', segment: 'san', size: '1M' },
    hosts: { one: {}, two: {}, three: {} },
    exports,
  };
}

testUnless(
  noSshLab() ?? ('reason' in built ? built.reason : undefined),
  `apply killed ${ROUNDS} times at random moments: the next one reaches the lab, each export is there once, data are kept`,
  async (t) => {
    t.timeout(120_000 + ROUNDS * 60_000);
    const lab = await sshLab(t, ['one', 'two', 'three']);
    for (const { name } of lab.hosts) onHost(t, lab, name, 'mkdir -p /var/lib/aoe-lab /srv/lab');
    const before = await Promise.all(lab.hosts.map((host) => contentsOf(t, lab, host)));
    onHost(t, lab, 'one', 'head -c 1M /dev/urandom > /srv/lab/kept');
    const digest = onHost(t, lab, 'one', 'sha256sum < /srv/lab/kept');
    let whole = 0;
    let finished = 0;
    for (let round = 0; round <= ROUNDS; round++) {
      const wanted = LABS[round % 2] as Wanted[];
      const apply = ['apply', '-f', await writeLabFile(lab, labOf(wanted)), '--yes'];
      const started = performance.now();
      if (round > 0) {
        const { signal } = await labCli(lab, apply, { killAfter: Math.random() * whole });
        if (signal === null) finished++;
      }
      const next = await labCli(lab, apply);
      t.is(next.exitCode, 0, next.stderr);
      if (round === 0) whole = performance.now() - started;
      const plan = await labJson<LabPlan>(lab, ['plan', '-f', apply[2] as string]);
      t.deepEqual([plan.exitCode, plan.result.unchanged], [0, wanted.length], JSON.stringify(plan.result));
      const found = await labJson<{ shelf: number; slot: number }[]>(lab, ['discover', '--iface', 'san0']);
      t.deepEqual(
        found.result.map(({ shelf, slot }) => `e${shelf}.${slot}`),
        wanted.map(({ address }) => address),
      );
      for (const host of lab.hosts) {
        const own = wanted.filter((one) => one.host === host.name);
        const { processes, loops } = await contentsOf(t, lab, host);
        t.is(processes.length, own.length, processes.join('\n'));
        if (host.name === 'one')
          t.is(loops.length, wanted.filter((one) => one.loop).length, loops.join('\n'));
      }
      t.is(onHost(t, lab, 'one', 'sha256sum < /srv/lab/kept'), digest);
    }
    t.log(
      `of ${ROUNDS} applications of up to ${whole.toFixed(0)} ms, ${finished} finished before they were killed`,
    );
    const file = await writeLabFile(lab, labOf(LABS[0] as Wanted[]));
    t.is((await labCli(lab, ['destroy', '-f', file, '--yes', '--allow', 'used'])).exitCode, 0);
    t.is(onHost(t, lab, 'one', 'sha256sum < /srv/lab/kept'), digest);
    onHost(t, lab, 'one', 'rm /srv/lab/kept');
    // A file whose export was killed between its end and its new beginning is nobody's; nothing was written to it.
    for (const { name } of lab.hosts) {
      t.is(onHost(t, lab, name, 'find /srv/lab -type f -size +0 -exec du -k {} + | grep -v ^0 || true'), '');
      onHost(t, lab, name, 'rm -f /srv/lab/*');
    }
    const after = await Promise.all(lab.hosts.map((host) => contentsOf(t, lab, host)));
    t.deepEqual(after, before);
  },
);

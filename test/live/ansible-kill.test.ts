/** A playbook killed with -9 at random moments, on a lab of two hosts: the next one reaches it, in batches and host by host. */
import { setTimeout as sleep } from 'node:timers/promises';
import { noPlay, planned, play, rendered } from './support/ansible-lab.js';
import { labJson, onHost } from './support/lab-hosts.js';
import { ordinary, testUnless } from './support/machine.js';
import { sshLab } from './support/ssh-lab.js';

const ROUNDS = Number(process.env.AOE_LAB_KILL_ROUNDS ?? 3);
const HOSTS = ['one', 'two'];
const SLOTS = [0, 1];

testUnless(
  noPlay ?? ordinary,
  `a playbook killed ${ROUNDS} times: the next one makes the lab whole`,
  async (t) => {
    t.timeout(3_600_000);
    const lab = await sshLab(t, HOSTS, { init: 'systemd' });
    for (const name of HOSTS) onHost(t, lab, name, 'mkdir -p /var/lib/aoe-lab');
    const exports = HOSTS.flatMap((host, shelf) =>
      SLOTS.map((slot) => ({
        address: `e${shelf}.${slot}`,
        host,
        implementation: slot === 0 ? 'vblade' : 'native',
        file: `/srv/lab-${slot}.img`,
        loop: slot === 0,
      })),
    );
    const [file, folder] = await rendered(t, lab, {
      lab: 'killed',
      defaults: { interface: 'san0', size: '1M', persist: true },
      hosts: Object.fromEntries(HOSTS.map((host) => [host, {}])),
      exports,
    });
    let longest = 30_000;
    for (let round = 0; round < ROUNDS; round += 1) {
      // Of a run that was let go on, all of it is a moment.
      const moment = Math.random() * longest;
      const killed = await play(lab, folder, ['site.yml'], (kill) =>
        sleep(moment, undefined, { ref: false }).then(kill),
      );
      t.log(
        `killed after ${Math.round(moment)} ms: ${killed.exitCode === null ? 'under way' : 'it had ended'}`,
      );
      const started = performance.now();
      // One host at a time, then each by its name.
      const batches = round % 2 === 0 ? [['-e', 'aoe_lab_serial=1']] : HOSTS.map((host) => ['--limit', host]);
      for (const words of batches) {
        const next = await play(lab, folder, ['site.yml', ...words]);
        t.deepEqual([next.exitCode, next.failed], [0, 0], next.output);
      }
      longest = performance.now() - started;
      await planned(t, lab, file, exports.length);
      const found = await labJson<{ shelf: number; slot: number }[]>(lab, ['discover', '--iface', 'san0']);
      t.deepEqual(
        found.result.map(({ shelf, slot }) => `e${shelf}.${slot}`).sort(),
        exports.map(({ address }) => address).sort(),
        'each is there once',
      );
      const ended = await play(lab, folder, ['destroy.yml']);
      t.deepEqual([ended.exitCode, ended.failed], [0, 0], ended.output);
    }
  },
);

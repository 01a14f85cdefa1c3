/** Many hosts by Ansible, as `AOE_LAB_HOSTS=20` and `AOE_LAB_EXPORTS=10` (a host) say; an ordinary run has enough of two. */
import { noPlay, planned, play, rendered } from './support/ansible-lab.js';
import { onHost } from './support/lab-hosts.js';
import { testUnless } from './support/machine.js';
import { sshLab } from './support/ssh-lab.js';

const HOSTS = Number(process.env.AOE_LAB_HOSTS ?? 0);
const EXPORTS = Number(process.env.AOE_LAB_EXPORTS ?? 2);

testUnless(
  noPlay ?? (HOSTS > 0 ? undefined : 'takes minutes: set AOE_LAB_HOSTS'),
  `${HOSTS} hosts with ${EXPORTS} exports each by Ansible: made, nothing left to do, ended`,
  async (t) => {
    t.timeout(3_600_000);
    const names = Array.from({ length: HOSTS }, (_, index) => `host${index}`);
    const lab = await sshLab(t, names, { init: 'systemd' });
    for (const name of names) onHost(t, lab, name, 'mkdir -p /var/lib/aoe-lab');
    const [file, folder] = await rendered(t, lab, {
      lab: 'many',
      defaults: {
        implementation: process.env.AOE_LAB_IMPL ?? 'vblade',
        interface: 'san0',
        size: '1M',
        persist: true,
      },
      hosts: Object.fromEntries(names.map((name) => [name, {}])),
      exports: names.flatMap((host, shelf) =>
        Array.from({ length: EXPORTS }, (_, slot) => ({
          address: `e${shelf}.${slot}`,
          host,
          file: `/srv/lab-${slot}.img`,
        })),
      ),
    });
    for (const playbook of ['site.yml', 'site.yml', 'destroy.yml']) {
      const started = performance.now();
      const played = await play(lab, folder, [playbook]);
      t.deepEqual([played.exitCode, played.failed], [0, 0], played.output);
      t.log(`${playbook}: ${((performance.now() - started) / 1000).toFixed(1)} s, ${played.changed} changed`);
      if (playbook === 'site.yml') await planned(t, lab, file, HOSTS * EXPORTS);
    }
  },
);

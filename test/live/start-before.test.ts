/** Programs that must not start yet, under a real systemd. */
import type { Host } from '../../src/hosts/host/host.js';
import { EntryStore } from '../../src/serve/exports/entry.js';
import { Launcher } from '../../src/serve/exports/launcher.js';
import { serviceName } from '../../src/serve/exports/persist/names.js';
import { serviceFiles } from '../../src/serve/exports/persist/render.js';
import { servicesOf } from '../../src/serve/exports/persist/services.js';
import type { Program } from '../../src/serve/exports/program.js';
import { entryOf } from '../serve/exports/entries.js';
import { reachLabHost } from './support/lab-host.js';
import { testUnless } from './support/machine.js';
import { type LabHost, noSystemdLab, sshLab } from './support/ssh-lab.js';

testUnless(
  noSystemdLab(),
  'systemd: a program whose disk is not there yet is not started, and is as soon as it is there; what runs beside it ends with it',
  async (t) => {
    t.timeout(600_000);
    const lab = await sshLab(t, ['one'], { init: 'systemd' });
    const host = await reachLabHost(t, lab, lab.hosts[0] as LabHost);
    const store = await EntryStore.open(host);
    const launcher = new Launcher(store);
    for (const persist of [true, false]) {
      const [service] = servicesOf(store, [
        entryOf({ persist, restart: 'on-failure', slot: persist ? 1 : 2 }),
      ]);
      if (service?.kind !== 'program') throw new Error('no program');
      const [ready, started] = [`/srv/ready ${persist}`, `/srv/started-${persist}`] as const;
      const beside = `/srv/beside-${persist}`;
      const program: Program = {
        ...service.program,
        before: [['sh', '-c', 'test -e "$1" || { echo "no $1"; exit 3; }', 'sh', ready]],
        beside: ['sh', '-c', 'echo "$2" > "$1"; env > "$1.env"; exec sleep 654', 'sh', beside],
        // It writes beside what it would serve.
        settings: service.program.settings.filter(([name]) => name !== 'ProtectSystem'),
        // With 0 at once, the first time: as a target does whose disk is gone.
        argv: ['sh', '-c', 'echo >> "$1"; [ $(wc -l < "$1") -lt 2 ] || exec sleep 600', 'sh', started],
      };
      const files = persist
        ? serviceFiles(store, { ...service, program }, { manager: 'systemd', udev: false })
        : [];
      for (const { path, text } of files) await host.write(path, text);
      await host.run(['systemctl', 'daemon-reload']);
      await launcher.start(program).catch(() => {});
      await until(host, `[ $(grep -cxF 'no ${ready}' '${program.log}') -ge 2 ]`);
      t.is(await host.stat(started), undefined);
      await host.write(ready, '');
      await until(host, `[ $(wc -l < ${started}) -eq 2 ]`);
      const name = `${serviceName(store, program.name)}.service`;
      const { stdout } = await host.run(['systemctl', 'show', '--property=MainPID', '--value', name]);
      await until(host, `[ "$(cat ${beside})" = ${stdout.trim()} ] && pgrep -f 'sleep 65[4]' > /dev/null`);
      t.notRegex((await host.read(`${beside}.env`)).toString(), /^AOE_LAB_RUN=/m);
      await launcher.stop(program);
      t.is((await host.run(['pgrep', '-f', 'sleep 65[4]'], { accept: [1] })).exitCode, 1);
    }
  },
);

async function until(host: Host, test: string): Promise<void> {
  await host.run(['sh', '-c', `until ${test}; do sleep 0.1; done 2> /dev/null`], { timeout: 120_000 });
}

/** Persistent exports that move between targets. */
import { randomBytes } from 'node:crypto';
import type { Host } from '../../src/hosts/host/host.js';
import { exportTarget } from '../../src/serve/exports/export.js';
import { provide } from '../../src/serve/exports/provide.js';
import { restartTargets } from '../../src/serve/exports/restart.js';
import type { Served } from '../../src/serve/exports/served.js';
import { exportStatus } from '../../src/serve/exports/status.js';
import { unexportTargets } from '../../src/serve/exports/unexport.js';
import { migrate } from '../../src/serve/migrate/migrate.js';
import { dyingHost } from './support/dying-host.js';
import { reachLabHost } from './support/lab-host.js';
import { builtVblade, testUnless } from './support/machine.js';
import { overTheWire, reboot, serving, spec, states, traces, untilServing } from './support/persist-lab.js';
import { type LabHost, noSystemdLab, sshLab } from './support/ssh-lab.js';

/** How often a move is killed; `AOE_LAB_KILL_ROUNDS` sets it for long runs. */
const KILLED = Number(process.env.AOE_LAB_KILL_ROUNDS ?? 2);
const built = await builtVblade();

/** Links that systemd follows at boot. */
async function startedAtBoot(host: Host): Promise<string[]> {
  const folder = '/etc/systemd/system/multi-user.target.wants';
  return (await host.list(folder)).filter((name) => name.startsWith('aoe-lab')).sort();
}

testUnless(
  noSystemdLab() ?? ('reason' in built ? built.reason : undefined),
  'systemd: a persistent export moves with its persistence, back too, and never has two that would start at boot',
  async (t) => {
    t.timeout(900_000);
    const lab = await sshLab(t, ['one'], { init: 'systemd' });
    const machine = lab.hosts[0] as LabHost;
    let host = await reachLabHost(t, lab, machine);
    const before = await traces(host);
    const vblade = await provide('vblade', {});
    const native = await provide('native', { runsOn: host });
    const daemon = `aoe-lab-native-1-${native.build.slice(0, 12)}-persistent.service`;
    const [own, loop] = ['aoe-lab-e0.1-san0.service', 'aoe-lab-loop-e0.1-san0.service'];
    await exportTarget(host, vblade, spec(1, { loop: true }));
    const data = new Map([[1, randomBytes(64 << 10)]]);
    await overTheWire(lab, data, false);
    const move = (to: Served, on: Host = host) => migrate(on, 'e0.1', to, { agreed: 'all' });
    const servedBy = async () =>
      (await exportStatus(host)).exports.map(({ implementation }) => implementation);

    await move(native);
    t.deepEqual(await startedAtBoot(host), [loop, daemon]);
    t.is(await host.stat(`/etc/systemd/system/${own}`), undefined);
    host = await reboot(t, lab, host, machine);
    t.deepEqual(await untilServing(host, 1), serving(1));
    t.deepEqual(await overTheWire(lab, data, true), [1]);

    const control = { ...vblade.control, run: ['false'] } as typeof vblade.control;
    const error = await t.throwsAsync(move({ ...vblade, build: 'f'.repeat(64), control }));
    t.regex(error?.message ?? '', /native 1 serves it again, as before/);
    t.deepEqual(await startedAtBoot(host), [loop, daemon]);
    t.deepEqual([await states(host), await servedBy()], [serving(1), ['native']]);

    const counted = dyingHost(host, Number.POSITIVE_INFINITY);
    await move(vblade, counted.host);
    t.deepEqual(await startedAtBoot(host), [own, loop]);
    for (let round = 1; round <= KILLED; round += 1) {
      const last = Math.floor((counted.steps() * (round - Math.random())) / KILLED);
      const title = `killed at step ${last} of ${counted.steps()}`;
      const [from] = await servedBy();
      const connection = await reachLabHost(t, lab, machine);
      const dying = dyingHost(connection, last);
      await move(from === 'native' ? vblade : native, dying.host).catch((error) => {
        if (dying.steps() <= last) throw error;
      });
      await connection.close();
      t.true((await startedAtBoot(host)).filter((name) => name !== loop).length <= 1, title);
      await restartTargets(host, ['e0.1']);
      const [now] = await servedBy();
      t.deepEqual(await startedAtBoot(host), now === 'native' ? [loop, daemon] : [own, loop], title);
      t.deepEqual(await states(host), serving(1), title);
      t.deepEqual(await overTheWire(lab, data, true), [1], title);
    }
    await unexportTargets(host, undefined, true);
    t.deepEqual(await traces(host), before);
  },
);

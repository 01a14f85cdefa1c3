/** Persistent exports made and ended by commands that are killed half way. */

import { exportTarget } from '../../src/serve/exports/export.js';
import { provide } from '../../src/serve/exports/provide.js';
import { unexportTargets } from '../../src/serve/exports/unexport.js';
import { listLoops } from '../../src/serve/storage/loop.js';
import { dyingHost } from './support/dying-host.js';
import { reachLabHost } from './support/lab-host.js';
import { builtVblade, testUnless } from './support/machine.js';
import { spec, traces } from './support/persist-lab.js';
import { type LabHost, noSystemdLab, sshLab } from './support/ssh-lab.js';

/** How often exporting, and unexporting, is killed; `AOE_LAB_KILL_ROUNDS` sets it for long runs. */
const KILLED = Number(process.env.AOE_LAB_KILL_ROUNDS ?? 2);
const built = await builtVblade();

testUnless(
  noSystemdLab() ?? ('reason' in built ? built.reason : undefined),
  'systemd: exporting and unexporting killed at any step leave nothing after the next command',
  async (t) => {
    t.timeout(900_000);
    const vblade = await provide('vblade', {});
    const lab = await sshLab(t, ['one'], { init: 'systemd' });
    const machine = lab.hosts[0] as LabHost;
    const host = await reachLabHost(t, lab, machine);
    const before = await traces(host);
    // Loop devices are the machine's, and others have files by the usual names.
    const order = spec(1, { loop: true, path: `/srv/killed ${process.pid}` });
    const loops = async (): Promise<string[]> =>
      (await listLoops(host)).filter(({ file }) => file.startsWith(order.path)).map(({ device }) => device);
    const loopsBefore = await loops();
    for (const verb of ['export', 'unexport'] as const) {
      const carryOut = async (last: number): Promise<number> => {
        if (verb === 'unexport') await exportTarget(host, vblade, order);
        const connection = await reachLabHost(t, lab, machine);
        const dying = dyingHost(connection, last);
        try {
          if (verb === 'export') await exportTarget(dying.host, vblade, order);
          else await unexportTargets(dying.host, undefined, true);
        } catch (error) {
          if (dying.steps() <= last) throw error;
        }
        await connection.close();
        return dying.steps();
      };
      const whole = await carryOut(Number.POSITIVE_INFINITY);
      await unexportTargets(host, undefined, true);
      for (let round = 1; round <= KILLED; round += 1) {
        const last = Math.floor((whole * (round - Math.random())) / KILLED);
        await carryOut(last);
        await unexportTargets(host, undefined, true);
        t.deepEqual(await traces(host), before, `${verb} killed at step ${last} of ${whole}`);
        t.deepEqual(await loops(), loopsBefore, `${verb} killed at step ${last} of ${whole}`);
        t.notRegex((await host.run(['ps', '-eo', 'args='])).stdout, /vblade/);
      }
    }
  },
);

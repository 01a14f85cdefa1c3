/** What tests of persistent exports on hosts of a lab have in common. */
import type { ExecutionContext } from 'ava';
import type { Host } from '../../../src/hosts/host/host.js';
import { here } from '../../../src/hosts/host/local.js';
import type { SshHost } from '../../../src/hosts/ssh/host.js';
import type { ExportSpec } from '../../../src/serve/exports/spec.js';
import { exportStatus } from '../../../src/serve/exports/status.js';
import { openTarget } from '../../../src/wire/initiator/open.js';
import { openPacketLink } from '../../../src/wire/link/packet.js';
import { reachLabHost } from './lab-host.js';
import type { LabHost, SshLab } from './ssh-lab.js';

const MIB = 2 ** 20;

export function spec(slot: number, more: Partial<ExportSpec> = {}): ExportSpec {
  const path = `/srv/disk ${slot}`;
  return { shelf: 0, slot, iface: 'san0', path, size: 4 * MIB, persist: true, options: {}, ...more };
}

/** Writes to each slot, or reads what was written, from the initiator's end of the lab. */
export async function overTheWire(lab: SshLab, data: ReadonlyMap<number, Buffer>, isWritten: boolean) {
  const link = await openPacketLink({ iface: 'san0', netns: lab.netns });
  try {
    const same: number[] = [];
    for (const [slot, bytes] of data) {
      const target = await openTarget(link, { shelf: 0, slot });
      if (!isWritten) await target.write(8, bytes);
      else if ((await target.read(8, bytes.length / 512)).equals(bytes)) same.push(slot);
    }
    return same;
  } finally {
    await link.close();
  }
}

export const states = async (host: Host) =>
  (await exportStatus(host)).exports.map(({ slot, state, faults }) => [slot, state, faults]);

export const serving = (...slots: number[]) => slots.map((slot) => [slot, 'serving', []]);

/** All that exports could leave on a host. */
export async function traces(host: Host): Promise<string[]> {
  const etc = ['systemd', 'init.d', 'rc0.d', 'rc2.d', 'rc6.d', 'runlevels'].map((name) => `/etc/${name}`);
  const places = [...etc, '/var/lib/aoe-lab', '/run/aoe-lab', '/srv'];
  const { stdout } = await host.run(['find', ...places, '-mindepth', '1', '!', '-type', 'd'], {
    accept: [1],
  });
  // Logs outlive their exports.
  return stdout
    .split('\n')
    .filter((path) => !path.startsWith('/var/lib/aoe-lab/logs/'))
    .sort();
}

/**
 * A power cut. Loop devices are this machine's own kernel's, which lives on: they are taken away here.
 * @param link how the interface of the segment comes up then, as words of `ip link set`
 */
export async function reboot(
  t: ExecutionContext,
  lab: SshLab,
  host: SshHost,
  machine: LabHost,
  link: readonly string[] = [],
): Promise<SshHost> {
  const { stdout } = await host.run(['sh', '-c', 'readlink /run/aoe-lab/*'], { accept: [1] });
  await host.close();
  await machine.crash();
  for (const device of stdout.split('\n').filter(Boolean))
    await here.run(['losetup', '--detach', device], { accept: [1] });
  if (link.length > 0) await here.inNamespace(machine.netns).run(['ip', 'link', 'set', 'san0', ...link]);
  await machine.boot();
  return reachLabHost(t, lab, machine);
}

/** Services come up while the host can be reached already. */
export async function untilServing(host: Host, count: number) {
  for (let tries = 0; ; tries += 1) {
    const now = await states(host);
    if (tries > 100 || now.filter(([, state]) => state === 'serving').length === count) return now;
  }
}

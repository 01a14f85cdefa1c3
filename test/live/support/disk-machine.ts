/** A guest that boots from a disk of its own, again and again, with exports that are to be back. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Host } from '../../../src/hosts/host/host.js';
import { findCommand } from '../../../src/make/compile/requirements.js';
import { compareVersions } from '../../../src/make/patch/condition.js';
import { bootGuest, type Guest, pidOf } from '../../../src/prove/vm/index.js';
import type { ExportOrder } from '../../../src/serve/exports/export.js';
import { provide } from '../../../src/serve/exports/provide.js';
import { exportStatus } from '../../../src/serve/exports/status.js';
import { parseMac } from '../../../src/wire/aoe/index.js';
import { openTarget } from '../../../src/wire/initiator/open.js';
import { connectStream, Hub, type Link } from '../../../src/wire/link/index.js';
import { builtVblade, noGuests, sourceTree } from './machine.js';

const MIB = 2 ** 20;
/** Of the disk; programs of this machine are to run there. */
const LIBC = '2.36';

function noCommonLibc(): string | undefined {
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  const version = header.glibcVersionRuntime;
  if (version === undefined) return 'needs glibc';
  return compareVersions(version, LIBC) > 0 ? 'programs of this machine do not run on Debian 12' : undefined;
}

/** Undefined, or why no machine can boot again here. */
export async function noReboots(): Promise<string | undefined> {
  const vblade = await builtVblade();
  return (
    (await noGuests()) ??
    noCommonLibc() ??
    ('reason' in vblade ? vblade.reason : undefined) ??
    (findCommand('bwrap') === undefined ? 'needs bwrap' : undefined)
  );
}

export interface Machine {
  guest: Guest;
  /** Of ours, to its only interface. */
  wire: Link;
  end(): Promise<void>;
}

export async function boot(disk: string, kernel?: string): Promise<Machine> {
  const guest = await bootGuest({
    fromDisk: true,
    disks: [{ path: disk }],
    links: [{}],
    memory: 512,
    kernel,
  });
  const hub = new Hub();
  const link = await connectStream({ path: guest.record.links[0]?.socket ?? '' }, { mtu: 1500 });
  hub.join(link, { name: 'guest' });
  const wire = hub.plug(parseMac('02:00:00:00:00:01') as number, { name: 'initiator', mtu: 1500 });
  const end = async (): Promise<void> => {
    await guest.stop();
    await hub.close();
    await link.close();
  };
  return { guest, wire, end };
}

/**
 * QEMU ends where a machine would boot again.
 * @param argv has it do so
 */
export async function shutDown({ guest, end }: Machine, argv: readonly string[]): Promise<void> {
  // The connection ends with the machine.
  await guest.host.run(argv).catch(() => {});
  for (let tries = 0; (await pidOf(guest.record)) !== undefined && tries < 2400; tries += 1) await sleep(50);
  await end();
}

/** vblade on a loop device, native, the stand-in of vblade-kernel, and ggaoed where its source is: slots 0 to 3. */
export async function orders(host: Host): Promise<ExportOrder[]> {
  const ggaoed = sourceTree('ggaoed-1.1');
  const source = 'path' in ggaoed ? ggaoed.path : undefined;
  const served = [
    await provide('vblade', {}),
    await provide('native', { runsOn: host }),
    // The stand-in, whose source is part of this package.
    await provide('vblade-kernel', { runsOn: host }),
    ...(source === undefined ? [] : [await provide('ggaoed', { release: '1.1', source })]),
  ];
  return served.map((one, slot) => {
    const place = { shelf: 1, slot, iface: 'eth0', path: `/srv/disk${slot}`, size: 4 * MIB };
    return { served: one, spec: { ...place, loop: slot === 0, persist: true, options: {} } };
  });
}

/** Services are under way when the machine can be reached. */
export async function statesOnceUp(host: Host, count: number) {
  for (let tries = 0; ; tries += 1) {
    const { exports } = await exportStatus(host);
    const serving = exports.filter(({ state }) => state === 'serving');
    if (serving.length >= count || tries > 40) {
      return exports.map(({ slot, state, faults }) => ({ slot, state, faults }));
    }
    await sleep(2000);
  }
}

export async function readBack(wire: Link, slot: number, bytes: Buffer): Promise<boolean> {
  const target = await openTarget(wire, { shelf: 1, slot }, { findTimeout: 60_000 });
  return (await target.read(0, bytes.length / 512)).equals(bytes);
}

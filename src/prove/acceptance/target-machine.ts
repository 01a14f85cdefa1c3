/** Where the target runs, exported: on this machine, in a guest, or on a host over SSH. */
import { truncate, writeFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { type ExportReport, exportTarget } from '../../serve/exports/export.js';
import type { Served } from '../../serve/exports/served.js';
import { unexportTargets } from '../../serve/exports/unexport.js';
import { type Address, ETHERTYPE_AOE } from '../../wire/aoe/index.js';
import type { Place } from '../testbed/place.js';
import { linkTo, RemoteDut, requireFree, type Segment } from '../testbed/remote-dut.js';
import { targetGuest } from '../testbed/target-guest.js';
import type { Stand, Testbed } from '../testbed/testbed.js';
import type { Guest } from '../vm/index.js';
import type { AcceptanceOptions } from './options.js';

const DISK = 256 * 2 ** 20;

export interface TargetMachine extends Stand {
  exported: ExportReport;
  /** That it runs in. */
  guest?: Guest;
}

/** On this machine, or in a guest. @param place of the target */
export async function targetHere(
  testbed: Testbed,
  served: Served,
  { kernel, offline }: Pick<AcceptanceOptions, 'kernel' | 'offline'>,
  { place, inPlace = false, address }: { place: Place; inPlace?: boolean | undefined; address: Address },
): Promise<TargetMachine> {
  const isHere = place === 'here';
  const disk = join(testbed.folder, 'disk');
  await writeFile(disk, '', { mode: 0o600 });
  await truncate(disk, DISK);
  const context = isHere
    ? await testbed.here(inPlace)
    : await targetGuest(testbed, { kernel, disks: [disk], offline });
  const exported = await exportTarget(context.host, served, {
    ...address,
    iface: context.iface,
    ...(context.netns === undefined ? {} : { netns: context.netns }),
    path: isHere ? disk : '/dev/vda',
    keepLog: false,
    // Ours alone.
    allow: true,
    options: {},
  });
  testbed.later(() => unexportTargets(context.host, [exported.id], false));
  return { ...context, exported };
}

/** On a host over SSH; what it sends reaches the hub by this machine's interface. */
export async function targetOnHost(
  testbed: Testbed,
  served: Served,
  segment: Segment,
  address: Address,
): Promise<TargetMachine> {
  const { host, iface } = segment;
  const dut = await RemoteDut.open(testbed, segment, 'verify');
  // What a killed test had left there is gone by now.
  await requireFree(segment, [address]);
  const exported = await exportTarget(host, served, {
    ...address,
    ...dut.spec,
    path: posix.join(dut.folder, 'disk'),
    size: DISK,
    keepLog: false,
    options: {},
  });
  await dut.requireHeard(address);
  // What else the guest says, about IPv6 say, is nobody's business there.
  const port = testbed.join(await linkTo(segment, ETHERTYPE_AOE), 'target');
  return { host, iface, netns: undefined, port, exported };
}

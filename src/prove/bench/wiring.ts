/** The way between the load generator and a target: a wire, or two wires and a hub, or a wire, a hub and a guest. */
import type { Host } from '../../hosts/host/host.js';
import { removeWire } from '../../hosts/host/namespace.js';
import { targetGuest } from '../testbed/target-guest.js';
import { Testbed } from '../testbed/testbed.js';
import { benchWire, outletPurpose, wirePurpose } from './wires.js';

export interface Wiring {
  /** Where the target is exported. */
  host: Host;
  iface: string;
  netns: string | undefined;
  /** What it opens. */
  path: string;
  /** The generator's end. */
  generator: { iface: string; netns: string };
  /** In words, for the report. */
  way: string;
  /** Has what was written on one side of the wiring seen on the other; undefined where both see one file. */
  sync?: () => Promise<void>;
  /** What the target's kernel complained of, if it has one of its own. */
  trouble(): Promise<string[]>;
  remove(): Promise<void>;
}

export interface WiringOptions {
  /** Of the contender. */
  index: number;
  /** Bytes. */
  mtu: number;
  /** The backing file. */
  path: string;
}

/** One wire. */
export async function straightWiring(host: Host, { index, mtu, path }: WiringOptions): Promise<Wiring> {
  const wire = await benchWire(host, index, mtu);
  return {
    host,
    iface: wire.target,
    netns: wire.netns,
    path,
    generator: { iface: wire.initiator, netns: wire.netns },
    way: '',
    trouble: async () => [],
    remove: () => removeWire(host, wire),
  };
}

/** A hub between two wires. */
export function hubWiring(host: Host, options: WiringOptions): Promise<Wiring> {
  return onHub(host, options, async (testbed, common) => {
    const { iface, netns } = await testbed.here(false);
    return {
      ...common,
      host,
      iface,
      netns,
      path: options.path,
      way: 'over the hub, ',
      trouble: async () => [],
    };
  });
}

/** A hub between a wire and a guest. @param kernel of the guest, as guestKernel takes it */
export function guestWiring(
  host: Host,
  options: WiringOptions,
  kernel: string,
  offline: boolean,
): Promise<Wiring> {
  return onHub(host, options, async (testbed, common) => {
    const disks = [options.path];
    const { guest, iface } = await targetGuest(testbed, { kernel, disks, shared: true, offline });
    const { record } = guest;
    const isEmulated = record.accelerator === 'tcg';
    return {
      ...common,
      host: guest.host,
      iface,
      netns: undefined,
      path: '/dev/vda',
      way: `over the hub, in ${isEmulated ? 'an emulated guest' : 'a guest'} of Linux ${record.release ?? record.kernel}, `,
      sync: async () => {
        await guest.host.run(['blockdev', '--flushbufs', '/dev/vda']);
      },
      trouble: () => guest.trouble(),
    };
  });
}

async function onHub(
  host: Host,
  { index, mtu }: WiringOptions,
  lay: (testbed: Testbed, common: Pick<Wiring, 'generator' | 'remove'>) => Promise<Wiring>,
): Promise<Wiring> {
  const testbed = await Testbed.open(host, { purpose: wirePurpose(index), mtu });
  try {
    const generator = await testbed.outlet(outletPurpose(index), 'generator');
    return await lay(testbed, { generator, remove: () => testbed.close() });
  } catch (error) {
    await testbed.close();
    throw error;
  }
}

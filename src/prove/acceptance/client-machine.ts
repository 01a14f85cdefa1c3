/** Where the Linux aoe driver runs as the client: in a guest, or on a host over SSH. */

import type { Host } from '../../hosts/host/host.js';
import { ETHERTYPE_AOE } from '../../wire/aoe/index.js';
import { linkTo, type Segment } from '../testbed/remote-dut.js';
import type { Testbed } from '../testbed/testbed.js';
import { kernelTrouble } from '../vm/trouble.js';
import { DEAD_SECONDS } from './context.js';
import { makeNodes, removeNodes } from './device-nodes.js';
import { loadDriver } from './host-client.js';
import { kernelLog, linesAfter } from './kernel-log.js';
import { needsFio } from './prepare.js';
import type { TestName } from './record.js';

export interface ClientMachine {
  host: Host;
  iface: string;
  kernel: string;
  /** Loads the driver, for that interface alone. */
  load(): Promise<void>;
  /** Makes nodes that the driver's devices lack; where nobody else may do it. */
  makeNodes?: () => Promise<void>;
  /** What its kernel complained of. */
  trouble(): Promise<string[]>;
}

export async function clientInGuest(
  testbed: Testbed,
  { kernel, offline, tests }: { kernel: string; offline?: boolean | undefined; tests: readonly TestName[] },
): Promise<ClientMachine> {
  const { guest } = await testbed.guest('client', { kernel, fio: needsFio(tests), offline });
  const iface = 'eth0';
  return {
    host: guest.host,
    iface,
    kernel: guest.record.release ?? guest.record.kernel,
    load: () => guest.loadModule('aoe', [`aoe_deadsecs=${DEAD_SECONDS}`, `aoe_iflist=${iface}`]),
    trouble: () => guest.trouble(),
  };
}

/** On a host that `requireHostClient` took. */
export async function clientOnHost(testbed: Testbed, segment: Segment): Promise<ClientMachine> {
  const { host, iface } = segment;
  testbed.join(await linkTo(segment, ETHERTYPE_AOE), 'client');
  const last = (await kernelLog(host)).at(-1);
  return {
    host,
    iface,
    kernel: (await host.facts()).kernel,
    load: async () => {
      const unload = await loadDriver(host, iface);
      testbed.later(async () => {
        await unload();
        await removeNodes(host);
      });
      await makeNodes(host);
    },
    makeNodes: () => makeNodes(host),
    trouble: async () => kernelTrouble(linesAfter(await kernelLog(host), last).join('\n')),
  };
}

/** Hosts on a switch of the test's own, which pads short frames as network cards do. */
import { randomBytes } from 'node:crypto';
import type { ExecutionContext } from 'ava';
import { here } from '../../../src/hosts/host/local.js';
import { MIN_FRAME } from '../../../src/wire/aoe/index.js';
import { Hub } from '../../../src/wire/link/hub.js';
import type { Link } from '../../../src/wire/link/link.js';
import { openPacketLink } from '../../../src/wire/link/packet.js';

/**
 * Makes a network namespace for each host, with an interface `eth0`; all are joined.
 * @returns the names of the namespaces
 */
export async function testSwitch<Name extends string>(
  t: ExecutionContext,
  hosts: readonly Name[],
): Promise<Record<Name, string>> {
  const id = `aoesw-${randomBytes(4).toString('hex')}`;
  const add = async (netns: string): Promise<void> => {
    await here.run(['ip', 'netns', 'add', netns]);
    t.teardown(() => here.run(['ip', 'netns', 'del', netns]));
  };
  await add(id);
  const hub = new Hub();
  const names = {} as Record<Name, string>;
  for (const [index, host] of hosts.entries()) {
    const netns = `${id}-${host}`;
    const port = `port${index}`;
    await add(netns);
    const peer = ['peer', 'name', 'eth0', 'netns', netns];
    await here.run(['ip', '-n', id, 'link', 'add', port, 'type', 'veth', ...peer]);
    for (const [place, end] of [
      [id, port],
      [netns, 'eth0'],
    ] as const) {
      await here.run(['ip', '-n', place, 'link', 'set', end, 'addrgenmode', 'none', 'up']);
    }
    const link = padding(await openPacketLink({ iface: port, netns: id, promiscuous: true }));
    t.teardown(() => link.close());
    hub.join(link, { name: host });
    names[host] = netns;
  }
  return names;
}

function padding(link: Link): Link {
  const send = link.send.bind(link);
  link.send = (frame) => {
    if (frame.length >= MIN_FRAME) return send(frame);
    const padded = Buffer.alloc(MIN_FRAME);
    padded.set(frame);
    return send(padded);
  };
  return link;
}

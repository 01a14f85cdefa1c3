import type { Host } from '../../hosts/host/host.js';
import { makeWire, removeWire, type Wire } from '../../hosts/host/namespace.js';
import { removeAbandoned } from '../testbed/abandoned.js';

/** Wires of a benchmark at most; each contender has one of its own, since all targets on a wire hear each request. */
const MOST = 32;

/** Of the wire that a target is exported on, and of the one that leads from a hub to the load generator. */
export const wirePurpose = (index: number): string => `bench${index}`;
export const outletPurpose = (index: number): string => `load${index}`;

export async function benchWire(host: Host, index: number, mtu: number): Promise<Wire & { netns: string }> {
  const wire = await makeWire(host, wirePurpose(index), mtu);
  return { ...wire, netns: wire.netns as string };
}

/** A namespace with nothing but a loopback interface. */
export async function loopbackWire(
  host: Host,
  index: number,
): Promise<{ netns: string; remove(): Promise<void> }> {
  const wire = await benchWire(host, index, 1500);
  await host.inNamespace(wire.netns).run(['ip', 'link', 'set', 'lo', 'up']);
  return { netns: wire.netns, remove: () => removeWire(host, wire) };
}

/** Takes away what benchmarks that were killed have left. */
export async function removeAbandonedWires(host: Host): Promise<void> {
  for (let index = 0; index < MOST; index++) {
    await removeAbandoned(host, wirePurpose(index));
    await removeAbandoned(host, outletPurpose(index));
  }
}

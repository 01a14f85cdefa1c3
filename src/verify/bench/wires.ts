import type { Host } from '../../host/host.js';
import { makeWire, removeWire, type Wire } from '../../host/namespace.js';
import { removeAbandoned } from '../abandoned.js';

/** Namespaces of benchmarks; each contender has one of its own, since all targets on a wire hear each request. */
const PURPOSES = Array.from({ length: 32 }, (_, index) => `bench${index}`);

export async function benchWire(host: Host, index: number, mtu: number): Promise<Wire & { netns: string }> {
  const wire = await makeWire(host, PURPOSES[index] as string, mtu);
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
  for (const purpose of PURPOSES) await removeAbandoned(host, purpose);
}

/** Interfaces as `prepare` has set them up: what of it would be gone with the boot it was done in. */
import type { Host } from '../host/host.js';
import { listInterfaces } from '../host/interface.js';
import type { InterfaceFacts } from '../host/interface-facts.js';
import { preparedChanges } from './prepare.js';

export interface PreparedLink {
  name: string;
  /** Bytes, where it was set. */
  mtu?: number;
  /** Where it was made: the interface below, and its number there. */
  vlan?: { on: string; id: number };
}

/**
 * Of an interface and those below it, what `prepare` did to them in this boot and holds still, the lowest first.
 * @throws LabError if what was written down can't be read
 */
export async function preparedLinks(host: Host, iface: string): Promise<PreparedLink[]> {
  const changes = await preparedChanges(host);
  if (changes.length === 0) return [];
  const { bootId } = await host.facts();
  const ids = changes.filter((change) => change.isDone && change.bootId === bootId).map(({ id }) => id);
  return linksAmong(ids, await listInterfaces(host), iface);
}

/** @param ids of changes (see plan.ts); pure */
export function linksAmong(
  ids: readonly string[],
  interfaces: readonly InterfaceFacts[],
  iface: string,
): PreparedLink[] {
  const facts = interfaces.find(({ name }) => name === iface);
  if (facts === undefined) return [];
  const { name, mtu, lower } = facts;
  const below = lower === undefined || lower === name ? [] : linksAmong(ids, interfaces, lower);
  const isMade = ids.includes(`vlan ${name}`) && lower !== undefined;
  const isSized = isMade || ids.includes(`link ${name} mtu`);
  if (!isSized && !ids.includes(`link ${name} up`)) return below;
  return [
    ...below,
    {
      name,
      ...(isSized ? { mtu } : {}),
      ...(isMade ? { vlan: { on: lower, id: Number(name.slice(lower.length + 1)) } } : {}),
    },
  ];
}

import { UsageError } from '../errors.js';
import type { Host } from '../host/host.js';
import { type InterfaceFacts, listInterfaces, requireInterface } from '../host/interface.js';
import { macvlanObjection } from '../host/interface-objection.js';
import type { ExportEntry } from './entry.js';

/**
 * The interface of a new export.
 * @param name or altname
 * @throws as `requireInterface`, and UsageError if macvlans on it would never reach it
 */
export async function requireExportInterface(host: Host, name: string): Promise<InterfaceFacts> {
  const iface = await requireInterface(host, name);
  const objection = macvlanObjection(iface, await listInterfaces(host));
  if (objection === undefined) return iface;
  throw new UsageError({ tried: `looking at the interface ${name} ${host.name}`, ...objection });
}

/** What an entry keeps of the interface that its target was started on. */
export function startedOn(iface: InterfaceFacts, pids: number[]): NonNullable<ExportEntry['started']> {
  const { index, mac, mtu } = iface;
  return { index, mac, mtu, pids };
}

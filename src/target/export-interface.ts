import { UsageError } from '../errors.js';
import type { Host } from '../host/host.js';
import { type InterfaceFacts, listInterfaces, requireAmong } from '../host/interface.js';
import { macvlanObjection } from '../host/interface-objection.js';
import type { ExportEntry } from './entry.js';

/**
 * The interface of a new export.
 * @param name or altname
 * @throws as `requireInterface`, and UsageError if macvlans on it would never reach it
 */
export async function requireExportInterface(host: Host, name: string): Promise<InterfaceFacts> {
  return requireExportable(host, await listInterfaces(host), name);
}

/** The same of interfaces that were listed. */
export function requireExportable(host: Host, all: readonly InterfaceFacts[], name: string): InterfaceFacts {
  const iface = requireAmong(host, all, name);
  const objection = macvlanObjection(iface, all);
  if (objection === undefined) return iface;
  throw new UsageError({ tried: `looking at the interface ${name} ${host.name}`, ...objection });
}

/** What an entry keeps of the interface that its target was started on. */
export function startedOn(iface: InterfaceFacts, pids: number[]): NonNullable<ExportEntry['started']> {
  const { index, mac, mtu } = iface;
  return { index, mac, mtu, pids };
}

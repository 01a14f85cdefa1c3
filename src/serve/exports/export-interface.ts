import { MissingError, UsageError } from '../../base/errors.js';
import type { Host } from '../../hosts/host/host.js';
import { listInterfaces, requireAmong } from '../../hosts/host/interface.js';
import type { InterfaceFacts } from '../../hosts/host/interface-facts.js';
import { linkObjection, macvlanObjection } from '../../hosts/host/interface-objection.js';
import { quoteArgv } from '../../hosts/host/quote.js';
import { type ExportEntry, exportId } from './entry.js';

/**
 * The interface of a new export.
 * @param all interfaces of its namespace
 * @param name or altname
 * @throws as `requireInterface`, and UsageError if macvlans on it would never reach it
 */
export function requireExportable(host: Host, all: readonly InterfaceFacts[], name: string): InterfaceFacts {
  const iface = requireAmong(host, all, name);
  const objection = macvlanObjection(iface, all);
  if (objection === undefined) return iface;
  throw new UsageError({ tried: `looking at the interface ${name} ${host.name}`, ...objection });
}

/**
 * The interface of an export that is there.
 * @param list lists those of a namespace. Default: they are looked at
 * @throws as `requireInterface`
 */
export async function requireOwn(
  host: Host,
  entry: ExportEntry,
  list: (netns: string | undefined) => Promise<readonly InterfaceFacts[]> = (netns) =>
    listInterfaces(host.inNamespace(netns)),
): Promise<InterfaceFacts> {
  const { netns, iface } = entry;
  const otherwise = `make ${iface} again; or end the export, and export on another: ${quoteArgv(['aoe-lab', 'unexport', exportId(entry)])}`;
  return requireAmong(host.inNamespace(netns), await list(netns), iface, { otherwise });
}

/**
 * That an export would come up on an interface now. One that is really made waits for a carrier: a card that was just
 * brought up takes seconds to find one.
 * @throws MissingError
 */
export function requireCarrier(host: Host, all: readonly InterfaceFacts[], iface: InterfaceFacts): void {
  const objection = linkObjection(iface, all, host.netns);
  if (objection === undefined) return;
  const tried = `looking at the interface ${iface.name} ${host.name}`;
  throw new MissingError({ tried, ...objection, missing: [iface.name] });
}

/** What an entry keeps of the interface that its target was started on. */
export function startedOn(iface: InterfaceFacts, pids: number[]): NonNullable<ExportEntry['started']> {
  const { index, mac, mtu } = iface;
  return { index, mac, mtu, pids };
}

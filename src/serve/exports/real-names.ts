import type { Host } from '../../hosts/host/host.js';
import { listInterfaces, noneIfGone } from '../../hosts/host/interface.js';
import { findInterface } from '../../hosts/host/interface-choice.js';
import { type ExportEntry, exportId } from './entry.js';

/**
 * Names of exports as their entries have them, where they call an interface by one of its altnames: `e0.1@enp3s0` →
 * `e0.1@eth0`. Others stay as they are.
 * @throws as `listInterfaces`, where a name that no entry has could be an altname
 */
export async function byRealNames(
  host: Host,
  entries: readonly ExportEntry[],
  names: readonly string[],
): Promise<string[]> {
  const known = new Set(entries.map(exportId));
  return Promise.all(
    names.map(async (name) => {
      const [, address, iface = '', place = ''] = /^(e\d+\.\d+)@([^%]+)(%.+)?$/.exec(name) ?? [];
      if (address === undefined || known.has(name)) return name;
      const netns = place.slice(1) || undefined;
      const all = await listInterfaces(host.inNamespace(netns)).catch(noneIfGone(netns));
      const facts = findInterface(all, iface);
      return facts === undefined ? name : `${address}@${facts.name}${place}`;
    }),
  );
}

import type { Host } from '../../hosts/host/host.js';
import { abandonedNamespaces } from '../../hosts/host/namespace.js';
import { EntryStore, exportId } from '../../serve/exports/entry.js';
import { unexportTargets } from '../../serve/exports/unexport.js';

/** Removes what killed commands of a purpose have left: exports in their namespaces, and these. */
export async function removeAbandoned(host: Host, purpose: string): Promise<void> {
  const store = await EntryStore.open(host);
  for (const netns of await abandonedNamespaces(host, purpose)) {
    const left = (await store.all()).filter((entry) => entry.netns === netns);
    if (left.length > 0) await unexportTargets(host, left.map(exportId), true);
    await host.run(['ip', 'netns', 'del', netns]);
  }
}

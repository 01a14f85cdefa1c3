import type { Host } from '../host/host.js';
import { type InterfaceFacts, requireInterface } from '../host/interface.js';
import { refreshOne } from './backing-now.js';
import { driverFor } from './driver.js';
import { EntryStore, exportId } from './entry.js';
import { reattach } from './loops.js';
import { settlePersistence } from './persist/settle.js';
import { waitUntilListening } from './ready.js';
import { type Recovery, recover } from './recover.js';
import { selectEntries } from './unexport.js';

export interface RestartReport {
  restarted: { id: string; pids: number[] }[];
  recovery: Recovery;
}

/**
 * Restarts exports, and revives those that died or did not survive a reboot. All exports of one daemon restart with it,
 * once.
 * @param which as in `unexportTargets`
 */
export async function restartTargets(
  host: Host,
  which: readonly string[] | undefined,
): Promise<RestartReport> {
  const store = await EntryStore.open(host);
  const lock = await store.lock();
  try {
    const recovery = await recover(store);
    const entries = await store.all();
    const chosen = selectEntries(entries, which ?? entries.map(exportId));
    if (chosen.some(({ persist }) => persist)) await settlePersistence(store, true);
    const marks = new Set(chosen.map((entry) => driverFor(store, entry).mark(entry)));
    const restarted: RestartReport['restarted'] = [];
    for (const mark of marks) {
      const members = entries.filter((entry) => driverFor(store, entry).mark(entry) === mark);
      // Looked at before anything is stopped.
      const interfaces = await Promise.all(
        members.map(({ netns, iface }) => requireInterface(host.inNamespace(netns), iface)),
      );
      const revived = await Promise.all(
        members.map(async (member) => reattach(store, member, await refreshOne(store, member))),
      );
      const [first] = revived;
      if (first === undefined) continue;
      await driverFor(store, first).restart(first);
      for (const [index, member] of revived.entries()) {
        const pids = await waitUntilListening(store, member, interfaces[index] as InterfaceFacts);
        restarted.push({ id: exportId(member), pids });
      }
    }
    return { restarted, recovery };
  } finally {
    await lock.release();
  }
}

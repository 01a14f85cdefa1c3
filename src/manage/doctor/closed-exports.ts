/** Exports that initiators have closed to others: nothing is wrong with their host, and they are not there for others. */
import { expectedError } from '../../base/system-errors.js';
import type { Host } from '../../hosts/host/host.js';
import { CLEARS, clearCommand, closedBy } from '../../serve/exports/closed.js';
import { EntryStore } from '../../serve/exports/entry.js';
import { exportStatus } from '../../serve/exports/status.js';
import type { Check } from './check.js';

/** A check each; one that is fine where exports are, and none is closed. Of a host without any nothing is told. */
export async function closedExports(host: Host): Promise<Check[]> {
  try {
    const { entries } = await (await EntryStore.open(host)).readable();
    if (entries.length === 0) return [];
    const { exports } = await exportStatus(host);
    const closed = exports.flatMap(({ id, access }) => {
      const by = closedBy(access);
      if (by.length === 0) return [];
      const command = clearCommand(id, host.isHere ? undefined : host.name);
      const detail = `${command} ${CLEARS} that were set over the wire: ${by.join(', ')}`;
      return [{ name: `access to ${id}`, fine: false, detail }];
    });
    if (closed.length > 0) return closed;
    return [
      { name: 'access to exports', fine: true, detail: 'nothing set over the wire is known to close one' },
    ];
  } catch (error) {
    const known = expectedError(error);
    if (known === undefined) throw error;
    return [{ name: 'access to exports', fine: false, detail: known.message }];
  }
}

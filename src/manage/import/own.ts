/** What aoe-lab exports itself is no set-up of somebody else's. */
import { LabError } from '../../base/errors.js';
import type { Host } from '../../hosts/host/host.js';
import { EntryStore, exportId } from '../../serve/exports/entry.js';
import type { Found, FoundExport } from './found.js';

/** Files of the kernel's, which do not tell whose an export is. */
const LIVE = /^\/(sys|proc)\//;

/** Whether a unit of this name was written by aoe-lab (see persist/names.ts). */
export function isOwnUnit(name: string): boolean {
  return /^aoe-lab[-.]/.test(name);
}

export async function withoutOwn(host: Host, found: Found): Promise<Found> {
  if (!found.exports.some(({ place }) => LIVE.test(place.file))) return found;
  const own = await ownIds(host);
  const isOwn = (one: FoundExport): boolean => LIVE.test(one.place.file) && own.has(exportId(one));
  const remarks = found.exports
    .filter(isOwn)
    .map(({ place, ...one }) => ({ ...place, text: `${exportId(one)} is aoe-lab's own` }));
  return {
    ...found,
    exports: found.exports.filter((one) => !isOwn(one)),
    remarks: [...found.remarks, ...remarks],
  };
}

async function ownIds(host: Host): Promise<Set<string>> {
  try {
    return new Set((await (await EntryStore.open(host)).all()).map(exportId));
  } catch (error) {
    // Entries that can't be read are for `status` to tell.
    if (error instanceof LabError || (error as NodeJS.ErrnoException).code !== undefined) return new Set();
    throw error;
  }
}

/** What initiators know a disk by, before and after its export moved to another target; pure. */

/** As IDENTIFY DEVICE tells it; undefined where that is not known. */
export interface DiskIdentity {
  model?: string | undefined;
  serial?: string | undefined;
}

/** Characters of a serial number that every target tells: vblade ends its own one short of the 20 that there are. */
const TOLD = 19;

/**
 * @param before as the old target told it
 * @param after as the new one will tell it
 * @param isSame whether both are the same implementation: what is not known of it will then not have changed
 * @returns what initiators lose, a sentence or none
 */
export function identityLoss(before: DiskIdentity, after: DiskIdentity, isSame: boolean): string[] {
  const changed = (['model', 'serial'] as const).filter((field) => {
    const [old, next] = [before[field], after[field]];
    return old === undefined || next === undefined ? !isSame : old.slice(0, TOLD) !== next.slice(0, TOLD);
  });
  if (changed.length === 0) return [];
  const parts = changed.map((field) => `${field} ${shown(before[field])} becomes ${shown(after[field])}`);
  return [
    `${parts.join(', ')}: initiators find the disk under another name (/dev/disk/by-id), and take it for another disk of multipath`,
  ];
}

function shown(value: string | undefined): string {
  return value === undefined ? '(not known)' : JSON.stringify(value);
}

/** What initiators know a disk by, before and after its export moved to another target; pure. */

const FIELDS = ['model', 'serial'] as const;

/** As IDENTIFY DEVICE told it; undefined where it could not be asked. */
export type Told = { [field in (typeof FIELDS)[number]]?: string | undefined };
/** What the new target will tell; undefined where that depends on more than its recipe says. */
export type Expected = { [field in (typeof FIELDS)[number]]?: RegExp | undefined };

/**
 * @param isSame whether both are the same implementation: what is not known of it will then not have changed
 * @returns what initiators lose, a sentence or none
 */
export function identityLoss(before: Told, after: Expected, isSame: boolean): string[] {
  const changed = FIELDS.filter((field) => {
    const [told, expected] = [before[field], after[field]];
    return told === undefined || expected === undefined ? !isSame : !expected.test(told);
  });
  if (changed.length === 0) return [];
  const parts = changed.map((field) => {
    const told = before[field];
    return `${field} ${told === undefined ? '(not known)' : JSON.stringify(told)} becomes ${shown(after[field])}`;
  });
  return [
    `${parts.join(', ')}: initiators find the disk under another name (/dev/disk/by-id), and take it for another disk of multipath`,
  ];
}

/** An expression as the text that it stands for. */
function shown(expected: RegExp | undefined): string {
  if (expected === undefined) return 'another one';
  const text = expected.source.replaceAll(/\\(.)/g, '$1');
  const isWhole = text.endsWith('$');
  return JSON.stringify(`${text.replace(/^\^/, '').replace(/\$$/, '')}${isWhole ? '' : '…'}`);
}

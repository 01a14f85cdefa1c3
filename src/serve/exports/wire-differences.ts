/** What an export tells of itself on the wire, against what should be served. Pure. */
import { renderExpression } from '../../base/templating.js';
import { type ExportEntry, sectorsOf } from './entry.js';
import { exportName } from './variables.js';

/** What IDENTIFY DEVICE told; null where it told nothing. `Discovered` is one. */
export interface WireIdentity {
  /** Of 512 bytes. */
  sectors: number | null;
  model: string | null;
  serial: string | null;
}

/** ATA/ATAPI-7, section 6.17. */
const SERIAL_LENGTH = 20;

/** @returns a sentence for each difference; none where it is as it should be, or nothing was told */
export function wireDifferences(entry: ExportEntry, told: WireIdentity): string[] {
  const { shelf, slot, implementation, control } = entry;
  const sectors = Math.floor(sectorsOf(entry));
  const differences: string[] = [];
  if (told.sectors !== null && told.sectors !== sectors) {
    differences.push(`on the wire it has ${told.sectors} sectors, and ${sectors} are to be served`);
  }
  const variables = { shelf, slot, name: exportName(entry).slice(0, SERIAL_LENGTH) };
  for (const [what, text] of [
    ['model', told.model],
    ['serial', told.serial],
  ] as const) {
    const expected = control.identity?.[what];
    if (expected === undefined || text === null || renderExpression(expected, variables).test(text)) continue;
    const called = what === 'model' ? 'model' : 'serial number';
    differences.push(
      `the ${called} on the wire is "${text}", which is none of ${implementation}'s for e${shelf}.${slot}: another target may answer`,
    );
  }
  return differences;
}

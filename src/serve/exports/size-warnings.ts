import { type ExportEntry, exportId, sectorsOf } from './entry.js';

/**
 * That a target which follows its file serves another size than it did when it was exported: where it has shrunk, initiators
 * have lost what was behind its end.
 * @param served sectors that it tells of, where it tells
 */
export function sizeWarnings(entry: ExportEntry, served: number | undefined): string[] {
  const then = Math.floor(sectorsOf(entry));
  if (served === undefined || served === then) return [];
  const { name } = entry.backing;
  const verb = served < then ? 'shrunk' : 'grown';
  const loss = served < then ? ', and initiators have lost what was behind that' : '';
  return [
    `${name} has ${verb} since it was exported: its target serves ${served} sectors, ${then} then${loss}; aoe-lab restart ${exportId(entry)} takes it as it is`,
  ];
}

import type { ExportOptions } from '../../serve/exports/entry.js';
import type { ExportStatus } from '../../serve/exports/status-report.js';
import type { LabExport } from './lab.js';

/** A field of an export that is not as it should be. */
export interface Difference {
  /** As in lab.yaml: `implementation`, `options.queueLength`. */
  field: string;
  is: unknown;
  shall: unknown;
}

/** Fields that only an export made anew can change; null stands for what is not set. */
export function differences(shall: LabExport, is: ExportStatus): Difference[] {
  // Links in the path are resolved in what the host has.
  const file = is.lab?.file === shall.file ? shall.file : is.file;
  const isFile = is.fileSize !== null;
  const fields: Difference[] = [
    { field: 'implementation', is: is.implementation, shall: shall.implementation },
    { field: 'release', is: is.release, shall: shall.release ?? is.release },
    { field: 'file', is: file, shall: shall.file },
    { field: 'loop', is: is.loop, shall: isFile && (shall.loop ?? false) },
    { field: 'persist', is: is.persist, shall: shall.persist ?? false },
    { field: 'restart', is: is.restart, shall: shall.restart ?? null },
    ...optionDifferences(shall.options, is.options),
  ];
  return fields.filter((field) => JSON.stringify(field.is) !== JSON.stringify(field.shall));
}

function optionDifferences(shall: ExportOptions, is: ExportOptions): Difference[] {
  const names = new Set([...Object.keys(shall), ...Object.keys(is)]) as Set<keyof ExportOptions>;
  // As it was made, or as `access` left it.
  if (shall.lockAccess === undefined) names.delete('lockAccess');
  return [...names].sort().map((name) => ({
    field: `options.${name}`,
    is: plain(is[name]),
    shall: plain(shall[name]),
  }));
}

/** What is off is as good as not set, and the order of MACs tells nothing. */
function plain(value: ExportOptions[keyof ExportOptions]): unknown {
  if (Array.isArray(value)) return value.length === 0 ? null : [...value].sort();
  return value === undefined || value === false ? null : value;
}

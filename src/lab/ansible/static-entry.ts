import type { ExportEntry } from '../../target/entry.js';
import type { ServingFields } from '../../target/plan.js';
import type { Lab, LabExport } from '../lab.js';

/** What a path of a lab names, which no host is asked for: what lies below /dev is a device. */
export function kindOf(file: string): 'file' | 'device' {
  return file.startsWith('/dev/') ? 'device' : 'file';
}

/** The entry of an export as far as it can be known without its host: not since when, nor the size of what is there. */
export function staticEntry(lab: Pick<Lab, 'name'>, one: LabExport, serving: ServingFields): ExportEntry {
  const { address, iface, file, size = 0, loop, options, restart } = one;
  const kind = kindOf(file);
  return {
    format: 1,
    phase: 'running',
    ...serving,
    ...address,
    iface,
    backing: {
      name: file,
      path: file,
      opens: file,
      identity: null,
      kind,
      size,
      made: false,
      loop: kind === 'file' && (loop ?? false),
      loopsBefore: [],
    },
    options,
    ...(restart === undefined ? {} : { restart }),
    lab: { name: lab.name, file },
    persist: true,
    since: '',
    bootId: '',
  };
}

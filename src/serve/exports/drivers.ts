/** What differs between the shapes of control; everything else is the same for all targets. */
import { DaemonDriver } from './daemon-driver.js';
import type { Driver } from './driver.js';
import type { EntryStore, ExportEntry } from './entry.js';
import { ModuleDriver } from './module-driver.js';
import { ProcessDriver } from './process-driver.js';

/** Those of them that are restarted together under a mark. */
export function markedSo(store: EntryStore, entries: readonly ExportEntry[], mark: string): ExportEntry[] {
  return entries.filter((entry) => driverFor(store, entry).mark(entry) === mark);
}

export function driverFor(store: EntryStore, entry: ExportEntry): Driver {
  switch (entry.control.shape) {
    case 'process':
      return new ProcessDriver(store);
    case 'daemon':
      return new DaemonDriver(store);
    case 'control-file':
      return new ModuleDriver(store);
  }
}

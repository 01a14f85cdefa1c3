/** What differs between the shapes of control; everything else is the same for all targets. */
import { MissingError } from '../errors.js';
import { DaemonDriver } from './daemon-driver.js';
import type { EntryStore, ExportEntry } from './entry.js';
import { ProcessDriver } from './process-driver.js';

export interface Preview {
  commands: string[][];
  files: { path: string; text: string }[];
}

export interface Driver {
  /** What `start` would run and write; changes nothing. `path` is what the target would open. */
  preview(entry: ExportEntry, path: string): Promise<Preview>;
  /** Makes the target serve the entry, whose file, loop device and artifacts are there. */
  start(entry: ExportEntry): Promise<void>;
  /** Makes it stop serving the entry; all others go on. Silent if it does not serve it. */
  stop(entry: ExportEntry): Promise<void>;
  /** Ends and starts what serves the entry, with all that it serves. */
  restart(entry: ExportEntry): Promise<void>;
  /** The mark of its processes (see processes.ts). */
  mark(entry: ExportEntry): string;
  logPath(entry: ExportEntry): string;
}

/** @throws MissingError for shapes that this version can't drive */
export function driverFor(store: EntryStore, entry: ExportEntry): Driver {
  switch (entry.control.shape) {
    case 'process':
      return new ProcessDriver(store);
    case 'daemon':
      return new DaemonDriver(store);
    case 'control-file':
      throw new MissingError({
        tried: `exporting by ${entry.implementation}`,
        happened: 'this version of aoe-lab does not drive kernel modules',
        next: 'take vblade, ggaoed or qaoed',
        missing: [`driver for ${entry.control.module}`],
      });
  }
}

import type { Action, Driver, Preview } from './driver.js';
import type { ExportEntry } from './entry.js';
import { programOf } from './program.js';
import { ProgramDriver } from './program-driver.js';
import { exportedPath } from './variables.js';

/** One process an export. */
export class ProcessDriver extends ProgramDriver implements Driver {
  async preview(entry: ExportEntry, path: string): Promise<Preview> {
    return { commands: [await this.launcher.preview(programOf(this.store, [entry], path))], files: [] };
  }

  async start(entry: ExportEntry): Promise<void> {
    const path = await exportedPath(this.store, entry);
    await this.launcher.start(programOf(this.store, [entry], path));
  }

  async prepareStart(entry: ExportEntry): Promise<Action> {
    return this.launcher.prepareStart(programOf(this.store, [entry], await exportedPath(this.store, entry)));
  }

  prepareStop(entry: ExportEntry): Promise<Action> {
    return this.launcher.prepareStop(programOf(this.store, [entry], ''));
  }

  async stop(entry: ExportEntry): Promise<void> {
    await this.launcher.stop(programOf(this.store, [entry], ''));
  }

  async restart(entry: ExportEntry): Promise<void> {
    await this.stop(entry);
    await this.start(entry);
  }
}

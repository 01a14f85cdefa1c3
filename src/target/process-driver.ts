import type { InterfaceFacts } from '../host/interface.js';
import type { Deed, Driver, Preview } from './driver.js';
import { type EntryStore, type ExportEntry, exportId } from './entry.js';
import { Launcher } from './launcher.js';
import { type Presence, processPresence } from './presence.js';
import { programMark, programOf } from './program.js';
import { exportedPath } from './variables.js';

/** One process an export. */
export class ProcessDriver implements Driver {
  readonly #store: EntryStore;
  readonly #launcher: Launcher;

  constructor(store: EntryStore) {
    this.#store = store;
    this.#launcher = new Launcher(store);
  }

  mark(entry: ExportEntry): string {
    return programMark(this.#store, entry);
  }

  logPath(entry: ExportEntry): string {
    return this.#store.logPath(exportId(entry));
  }

  presence(
    entry: ExportEntry,
    iface: InterfaceFacts | undefined,
    processes: ReadonlyMap<string, number[]>,
  ): Promise<Presence> {
    return processPresence(this.#store.host, processes.get(this.mark(entry)) ?? [], iface);
  }

  async preview(entry: ExportEntry, path: string): Promise<Preview> {
    return { commands: [await this.#launcher.preview(programOf(this.#store, [entry], path))], files: [] };
  }

  async start(entry: ExportEntry): Promise<void> {
    const path = await exportedPath(this.#store, entry);
    await this.#launcher.start(programOf(this.#store, [entry], path));
  }

  async prepareStart(entry: ExportEntry): Promise<Deed> {
    return this.#launcher.prepareStart(
      programOf(this.#store, [entry], await exportedPath(this.#store, entry)),
    );
  }

  prepareStop(entry: ExportEntry): Promise<Deed> {
    return this.#launcher.prepareStop(programOf(this.#store, [entry], ''));
  }

  async stop(entry: ExportEntry): Promise<void> {
    await this.#launcher.stop(programOf(this.#store, [entry], ''));
  }

  async restart(entry: ExportEntry): Promise<void> {
    await this.stop(entry);
    await this.start(entry);
  }
}

import type { InterfaceFacts } from '../host/interface.js';
import { renderArgv } from '../templating.js';
import type { Driver, Preview } from './driver.js';
import { type EntryStore, type ExportEntry, exportId } from './entry.js';
import { type Presence, processPresence } from './presence.js';
import { RUN_MARK, stopProcesses } from './processes.js';
import { supervised } from './supervise.js';
import { exportedPath, exportVariables } from './variables.js';

/** One process an export. */
export class ProcessDriver implements Driver {
  readonly #store: EntryStore;

  constructor(store: EntryStore) {
    this.#store = store;
  }

  mark(entry: ExportEntry): string {
    return this.#store.entryPath(exportId(entry));
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
    return { commands: [this.#argv(entry, path)], files: [] };
  }

  async start(entry: ExportEntry): Promise<void> {
    const argv = this.#argv(entry, await exportedPath(this.#store, entry));
    await this.#store.host.inNamespace(entry.netns).start(argv, {
      env: { [RUN_MARK]: this.mark(entry) },
      log: this.logPath(entry),
    });
  }

  async stop(entry: ExportEntry): Promise<void> {
    const { control } = entry;
    const signal = control.shape === 'process' ? control.stop : 'TERM';
    await stopProcesses(this.#store.host, this.#store.folder, this.mark(entry), signal);
  }

  async restart(entry: ExportEntry): Promise<void> {
    await this.stop(entry);
    await this.start(entry);
  }

  #argv(entry: ExportEntry, path: string): string[] {
    const { control } = entry;
    if (control.shape !== 'process') throw new TypeError(`${control.shape} is not driven as a process`);
    return supervised(renderArgv(control.run, exportVariables(this.#store, entry, path)), entry.restart);
  }
}

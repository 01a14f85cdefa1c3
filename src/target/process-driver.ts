import type { InterfaceFacts } from '../host/interface.js';
import type { Control } from '../recipe/schema.js';
import { renderArgv } from '../templating.js';
import type { Deed, Driver, Preview } from './driver.js';
import { type EntryStore, type ExportEntry, exportId } from './entry.js';
import { type Presence, processPresence } from './presence.js';
import { endProcesses, processesOf, RUN_MARK, stopProcesses } from './processes.js';
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
    const deed = await this.prepareStart(entry);
    await deed.run();
  }

  async prepareStart(entry: ExportEntry): Promise<Deed> {
    const argv = this.#argv(entry, await exportedPath(this.#store, entry));
    const options = { env: { [RUN_MARK]: this.mark(entry) }, log: this.logPath(entry) };
    const { netns } = entry;
    return {
      run: async () => {
        await this.#store.host.inNamespace(netns).start(argv, options);
      },
      begins: { argv, netns, options },
    };
  }

  async stop(entry: ExportEntry): Promise<void> {
    const { host, folder } = this.#store;
    await stopProcesses(host, folder, this.mark(entry), processControl(entry).stop);
  }

  async prepareStop(entry: ExportEntry): Promise<Deed> {
    const { host, folder } = this.#store;
    const pids = await processesOf(host, folder, this.mark(entry));
    const { stop: signal } = processControl(entry);
    return {
      run: async () => {
        await endProcesses(host, pids, signal);
        // A supervisor may have started another one meanwhile.
        if (entry.restart !== undefined) await this.stop(entry);
      },
      ends: { pids, signal },
    };
  }

  async restart(entry: ExportEntry): Promise<void> {
    await this.stop(entry);
    await this.start(entry);
  }

  #argv(entry: ExportEntry, path: string): string[] {
    const { run } = processControl(entry);
    return supervised(renderArgv(run, exportVariables(this.#store, entry, path)), entry.restart);
  }
}

function processControl({ control }: ExportEntry): Extract<Control, { shape: 'process' }> {
  if (control.shape !== 'process') throw new TypeError(`${control.shape} is not driven as a process`);
  return control;
}

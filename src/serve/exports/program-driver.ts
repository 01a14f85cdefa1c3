import type { InterfaceFacts } from '../../hosts/host/interface-facts.js';
import type { EntryStore, ExportEntry } from './entry.js';
import { Launcher } from './launcher.js';
import { socketsOf } from './listening.js';
import { programMark, programName } from './program.js';
import { type AskSockets, processState, type RunState } from './run-state.js';

/** What targets that are processes have in common, whether one serves an export or all. */
export abstract class ProgramDriver {
  protected readonly store: EntryStore;
  protected readonly launcher: Launcher;

  constructor(store: EntryStore) {
    this.store = store;
    this.launcher = new Launcher(store);
  }

  mark(entry: ExportEntry): string {
    return programMark(this.store, entry);
  }

  logPath(entry: ExportEntry): string {
    return this.store.logPath(programName(entry));
  }

  async runState(
    entry: ExportEntry,
    iface: InterfaceFacts | undefined,
    processes: () => Promise<ReadonlyMap<string, number[]>>,
    sockets: AskSockets = (pids) => socketsOf(this.store.host, pids),
  ): Promise<RunState> {
    return processState((await processes()).get(this.mark(entry)) ?? [], iface, sockets);
  }
}

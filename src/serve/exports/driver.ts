/** What the shapes of control have in common: what a driver does for an export. */
import type { StartOptions } from '../../hosts/host/host.js';
import type { InterfaceFacts } from '../../hosts/host/interface-facts.js';
import type { ExportEntry } from './entry.js';
import type { AskSockets, RunState } from './run-state.js';

export interface Preview {
  commands: string[][];
  files: { path: string; text: string }[];
}

/** What is left to do of a change that was prepared: as little as can be. */
export interface Action {
  run(): Promise<void>;
  /** Given where it does nothing but end these processes. */
  ends?: { pids: readonly number[]; signal: string };
  /** Given where it does nothing but start this command. */
  begins?: { argv: readonly string[]; netns: string | undefined; options: StartOptions };
}

export interface Driver {
  /** What `start` would run and write; changes nothing. `path` is what the target would open. */
  preview(entry: ExportEntry, path: string): Promise<Preview>;
  /** Makes the target serve the entry, whose file, loop device and artifacts are there. */
  start(entry: ExportEntry): Promise<void>;
  /** Makes it stop serving the entry; all others go on. Silent if it does not serve it. */
  stop(entry: ExportEntry): Promise<void>;
  /** As `stop`, with all that can be done before the target stops to serve done at once. */
  prepareStop(entry: ExportEntry): Promise<Action>;
  /** As `start`, with all that can be done while another target still serves the address done at once. */
  prepareStart(entry: ExportEntry): Promise<Action>;
  /** Of a daemon that takes changes by a signal: it is told what the entries of all its exports say now, and goes on. */
  retell?(entry: ExportEntry): Promise<void>;
  /** Ends and starts what serves the entry, with all that it serves. */
  restart(entry: ExportEntry): Promise<void>;
  /**
   * What the host has of it now.
   * @param iface undefined if it is gone
   * @param processes see `findProcesses`; asked only where it has some
   * @param sockets of these. Default: the host is asked
   */
  runState(
    entry: ExportEntry,
    iface: InterfaceFacts | undefined,
    processes: () => Promise<ReadonlyMap<string, number[]>>,
    sockets?: AskSockets,
  ): Promise<RunState>;
  /** The same for exports that are restarted together; that of processes is in their environment (see processes.ts). */
  mark(entry: ExportEntry): string;
  logPath(entry: ExportEntry): string;
}

/** What `status` tells of exports: a public contract, as `status --json` prints it. */
import type { Counters } from '../../wire/native/counters.js';
import type { ExportAccess } from './access.js';
import type { ExportEntry, RestartPolicy, UnreadableEntry } from './entry.js';
import type { ProcessRights } from './process-rights.js';
import type { WireAnswer } from './wire.js';

export interface ExportStatus {
  id: string;
  implementation: string;
  release: string;
  shelf: number;
  slot: number;
  iface: string;
  netns: string | undefined;
  /** As the user typed it, absolute. */
  file: string;
  /** What that means now, links resolved; null where it means nothing. */
  resolved: string | null;
  /** Bytes that are served. */
  size: number;
  /** Bytes of the file or device when its target was started by a command. */
  backingSize: number;
  /** Bytes of the file now; null of a block device, and where there is nothing. */
  fileSize: number | null;
  /** The file was made for it. */
  made: boolean;
  /** A loop device is between file and target. */
  loop: boolean;
  device: string | undefined;
  since: string;
  /**
   * serving: all that could be looked at is as it should be
   * impaired: it is there, but something differs
   * down: no process and no module serves it
   * unfinished: the command that made or ended it was killed; the next changing command undoes it
   */
  state: 'serving' | 'impaired' | 'down' | 'unfinished';
  pids: number[];
  /** Whether its address answered when asked from elsewhere; `unchecked` where this host has no such place. */
  wire: WireAnswer;
  /** Why the wire was not asked; null where it was, or nothing is there to answer. */
  unchecked: string | null;
  /** How reality differs from the entry, and what to do about each. */
  faults: string[];
  /** What may go wrong later, at a reboot say, though nothing is wrong now. */
  warnings: string[];
  /** What would repair the faults: a restart, or a person who sees to its interface or its file; null if none would. */
  remedy: 'restart' | 'interface' | 'file' | null;
  /** What that person is to do about its file; null where there is nothing to be said. */
  next: string | null;
  /** MAC of its interface; null if that is gone. */
  mac: string | null;
  /** The lab that it was made for; null: none. */
  lab: ExportEntry['lab'] | null;
  options: ExportEntry['options'];
  /** When its process is started again by itself; null: never. */
  restart: RestartPolicy | null;
  /** Whether it is brought back after a reboot. */
  persist: boolean;
  log: string;
  /** What it has done since its process began; null where a target does not tell. */
  counters: Counters | null;
  /** How the native target moves frames and sectors: "receive ring, sendmmsg, io_uring". */
  datapath: string | null;
  /** As `datapath`, which was called so in 0.1.0; the next version leaves it out. */
  path: string | null;
  /** Sectors that its clients are told now; null where a target does not tell. */
  sectors: number | null;
  /** What initiators have set on it over the wire; null where nothing is known of it. */
  access: ExportAccess | null;
  /** What its processes may do of what root may; null where it has none, as a kernel module, or none is told of. */
  rights: ProcessRights | null;
}

export interface StatusReport {
  exports: ExportStatus[];
  /** Processes of ours that belong to no export; the next changing command ends them. */
  orphans: { mark: string; pids: number[] }[];
  /** Files among the entries that can't be read as such; changing commands refuse to work beside them. */
  unreadable: UnreadableEntry[];
  /** Folder the entries lie in. */
  stateFolder: string;
}

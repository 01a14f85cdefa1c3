/** The process that serves an export, as its recipe says: one of its own, or the daemon of all exports of one build. No I/O. */
import { posix } from 'node:path';
import { UsageError } from '../../base/errors.js';
import { render, renderArgv } from '../../base/templating.js';
import { allows } from '../../make/recipe/allows.js';
import type { Capability, Control } from '../../make/recipe/schema.js';
import { diskCommand, disksCommand, disksWatch, isWatched } from './disk-link.js';
import type { RestartPolicy } from './entry.js';
import { type ExportEntry, exportId, type StateFolder } from './entry.js';
import { exposedPath, HANDED, handed } from './exposed.js';
import { programSettings, type Setting } from './persist/sandbox.js';
import { capabilitiesOf } from './rights.js';
import { daemonVariables, exportVariables } from './variables.js';

type DaemonControl = Extract<Control, { shape: 'daemon' }>;

export interface Program {
  /** `e0.1@eth0`, or the name of the daemon. */
  name: string;
  /** That its processes bear in their environment (see processes.ts). */
  mark: string;
  argv: string[];
  /** Commands that run before each start of it, whoever starts it; where one fails, it is not started then. */
  before: string[][];
  /** A command that runs beside each of its processes, and is told the process id. */
  beside?: string[];
  /** File that takes what it prints. */
  log: string;
  cwd: string;
  netns: string | undefined;
  /** Signal that ends it, such as TERM. */
  stop: string;
  restart: RestartPolicy | undefined;
  persist: boolean;
  /** All that it and what runs beside it may do of what root may. */
  capabilities: readonly Capability[];
  /** Of its unit, where systemd starts it. */
  settings: readonly Setting[];
}

/**
 * @param members the exports that it serves, one unless it is a daemon's
 * @param path what the first of them opens
 */
export function programOf(state: StateFolder, members: readonly ExportEntry[], path: string): Program {
  const [entry] = members;
  if (entry === undefined) throw new TypeError('a program without exports');
  const { control } = entry;
  if (control.shape === 'control-file') throw new TypeError('a kernel module is no program');
  const folder = programFolder(state, entry);
  // Its loop device is nobody else's to exchange, and a daemon opens files that it is told of later.
  const exposed = entry.backing.loop || control.shape === 'daemon' ? undefined : exposedPath(entry);
  const opened = exposed === undefined ? path : HANDED;
  const argv = renderArgv(control.run, { ...exportVariables(state, entry, opened), folder });
  const program = {
    name: programName(entry),
    mark: programMark(state, entry),
    argv: exposed === undefined ? argv : handed(exposed, entry.backing.opens, argv),
    ...disksOf(state, members),
    log: state.logPath(programName(entry)),
    cwd: folder,
    netns: entry.netns,
    stop: control.stop,
    // It is started again if one of its exports wants that.
    restart: members.find(({ restart }) => restart !== undefined)?.restart,
    persist: entry.persist ?? false,
    capabilities: capabilitiesOf(members),
  };
  return { ...program, settings: programSettings(state, program, members) };
}

/** What looks for disks that have no name of their own (see disk-link.ts). */
function disksOf(state: StateFolder, members: readonly ExportEntry[]): Pick<Program, 'before' | 'beside'> {
  const [entry] = members as [ExportEntry, ...ExportEntry[]];
  if (entry.control.shape !== 'daemon') {
    const command = diskCommand(entry);
    return { before: command === undefined ? [] : [command] };
  }
  // A supervisor of ours starts by the words that it was started with, and such an export may come to the daemon later.
  const mayCome = !entry.persist && members.some(({ restart }) => restart !== undefined);
  if (!mayCome && !members.some(isWatched)) return { before: [] };
  const list = disksPath(state, entry);
  return { before: [disksCommand(list)], beside: disksWatch(list) };
}

/** The list of the disks of a daemon's exports (see disk-link.ts). */
export function disksPath(state: StateFolder, entry: ExportEntry): string {
  return posix.join(programFolder(state, entry), 'disks');
}

/** Exports that come back after a reboot have a daemon of their own: it must not need those that don't. */
export function programName(entry: ExportEntry): string {
  if (entry.control.shape !== 'daemon') return exportId(entry);
  const kept = entry.persist ? '-persistent' : '';
  const place = entry.netns === undefined ? '' : `%${entry.netns}`;
  return `${entry.implementation}-${entry.release}-${entry.build.slice(0, 12)}${kept}${place}`;
}

export function programMark(state: StateFolder, entry: ExportEntry): string {
  return entry.control.shape === 'daemon' ? programFolder(state, entry) : state.entryPath(exportId(entry));
}

/** A daemon's own, for its configuration, socket and state. */
function programFolder(state: StateFolder, entry: ExportEntry): string {
  return entry.control.shape === 'daemon' ? posix.join(state.daemonsFolder(), programName(entry)) : '/';
}

export function daemonControl(entry: ExportEntry): DaemonControl {
  if (entry.control.shape !== 'daemon')
    throw new TypeError(`${entry.control.shape} is not driven as a daemon`);
  return entry.control;
}

/**
 * @param entry one that names the daemon
 * @param members its exports, each with what it opens
 * @param retained those that it does not serve for now
 * @throws UsageError if the daemon can't be told its own folder
 */
export function daemonConfiguration(
  state: StateFolder,
  entry: ExportEntry,
  members: readonly { entry: ExportEntry; path: string }[],
  retained: readonly ExportEntry[],
): { path: string; text: string } {
  const folder = programFolder(state, entry);
  requireSpeakable(daemonControl(entry), entry, folder);
  const variables = daemonVariables(state, entry, members, {
    folder,
    logFile: state.logPath(programName(entry)),
    retained,
  });
  return {
    path: posix.join(folder, daemonControl(entry).config.name),
    text: render(entry.template ?? '', variables),
  };
}

/** Sockets have names of 107 bytes at most (unix(7)), and old configuration languages no way to quote. */
function requireSpeakable({ folder: allowed }: DaemonControl, entry: ExportEntry, folder: string): void {
  if (allows(allowed, folder)) return;
  throw new UsageError({
    tried: `writing the configuration of ${entry.implementation} ${entry.release}`,
    happened: `it can't be told its folder ${folder}: it allows ${allowed}`,
    next: 'take a state folder with a shorter, plainer path ($AOE_LAB_STATE), or a shorter name of the namespace',
  });
}

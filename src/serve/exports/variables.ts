/** What templates of recipes may name. Every variable is always there, so that a misspelt one is an error. */
import { posix } from 'node:path';
import { LabError } from '../../base/errors.js';
import { programsFolder } from '../../base/files/paths.js';
import type { ExpectedDisk, ExpectedFile } from '../../base/identity.js';
import { type EntryStore, type ExportEntry, exportId, type Phase, type StateFolder } from './entry.js';
import { ownLoops } from './loops.js';
import { ownCodeIn } from './own-code.js';
import { loopLink } from './persist/names.js';

export interface ExportVariables {
  /** Artifact name → path on the host. */
  artifact: Record<string, string>;
  /** Path of node on the host. */
  node: string;
  /** Folder of this package's own compiled code on the host. */
  ownCode: string;
  /** `e0.1@eth0` */
  id: string;
  /** See `exportName`. */
  name: string;
  shelf: number;
  slot: number;
  iface: string;
  /** What the target opens: the file, the device, or the loop device on the file. */
  path: string;
  /** By which a target is to know what it keeps of the export; null: by the path. */
  keptAs: string | null;
  readOnly: boolean;
  macs: string[];
  /** Joined by commas; empty if everybody may. */
  macList: string;
  queueLength: number | null;
  directIo: boolean;
  sync: boolean;
  bufferCount: number | null;
  offset: number | null;
  length: number | null;
  broadcast: boolean;
  /** Nothing but data can be changed over the wire; not while it moves here, as what initiators had set is set again then. */
  locked: boolean;
  accessCleared: string | null;
  serial: string | null;
  /** The file that has the serial number, for targets that can look; null where it is none. */
  file: ExpectedFile | null;
  /** What its disk must be, for targets that can look; null where nothing is to be looked at. */
  disk: ExpectedDisk | null;
  /** See `Links`; null unless the user allowed them. */
  links: 'any' | null;
}

export interface DaemonVariables {
  artifact: Record<string, string>;
  /** The daemon's own folder, for its configuration, socket, process id and state. */
  folder: string;
  /** File that takes what it prints. */
  logFile: string;
  exports: ExportVariables[];
  /** The same as a JSON list. */
  exportsJson: string;
  /** Exports that it does not serve for now and has to forget nothing of: a JSON list of `shelf`, `slot` and `keptAs`. */
  retainedJson: string;
  /** Names, each once. */
  interfaces: string[];
}

const MOVES: readonly Phase[] = ['moving', 'returning'];

/** @param path what the target opens, see `exportedPath` */
export function exportVariables(store: StateFolder, entry: ExportEntry, path: string): ExportVariables {
  const { options } = entry;
  const macs = options.macs ?? [];
  return {
    artifact: artifactPaths(store, entry),
    node: entry.node ?? process.execPath,
    ownCode: entry.node === undefined ? programsFolder : ownCodeIn(store.artifactsFolder(entry.build)),
    id: exportId(entry),
    name: exportName(entry),
    shelf: entry.shelf,
    slot: entry.slot,
    iface: entry.iface,
    path,
    keptAs: hasFleetingPath(entry) ? keptName(store, entry) : null,
    readOnly: options.readOnly ?? false,
    macs,
    macList: macs.join(','),
    queueLength: options.queueLength ?? null,
    directIo: options.directIo ?? false,
    sync: options.sync ?? false,
    bufferCount: options.bufferCount ?? null,
    offset: options.offset ?? null,
    length: options.length ?? null,
    broadcast: options.broadcast ?? false,
    locked: (options.lockAccess ?? false) && !MOVES.includes(entry.phase),
    accessCleared: entry.accessCleared ?? null,
    serial: entry.serial ?? null,
    file: numberedFile(entry),
    disk: expectedDisk(entry),
    links: entry.backing.links === 'any' ? 'any' : null,
  };
}

/** Loop devices get other numbers, but those that a link leads to (see persist/). */
function hasFleetingPath({ backing, persist }: ExportEntry): boolean {
  return backing.loop && !persist;
}

/** The same at each start. Each loop device is another disk to a target, also those on one file. */
function keptName(store: StateFolder, entry: ExportEntry): string {
  const { backing } = entry;
  if (!backing.loop) return backing.opens;
  return entry.persist ? loopLink(store, entry) : `${backing.opens} on ${entry.iface}`;
}

function numberedFile({ serial, backing: { identity } }: ExportEntry): ExpectedFile | null {
  if (serial === undefined || identity?.kind !== 'file') return null;
  return { inode: identity.inode, birth: identity.birth };
}

/** Of a name that stays with a disk: what that must be. A number that moves is opened by a link that is looked after. */
function expectedDisk({ backing }: ExportEntry): ExpectedDisk | null {
  const { identity, loop, pinned } = backing;
  if (loop || pinned || identity?.kind !== 'device') return null;
  const { facts, file } = identity;
  return { facts, ...(file === undefined ? {} : { file: { path: file.path, inode: file.inode } }) };
}

/**
 * Address and interface in letters, digits, dots, dashes and underscores: `e0.1-eth0`. No two exports have the same:
 * configurations name their sections by it, and two sections of one name would be one export.
 */
export function exportName({ shelf, slot, iface }: Pick<ExportEntry, 'shelf' | 'slot' | 'iface'>): string {
  const plain = iface.replaceAll(/[^A-Za-z0-9.-]/gu, (letter) => `_${letter.codePointAt(0)?.toString(16)}_`);
  return `e${shelf}.${slot}-${plain}`;
}

/**
 * @param daemon an entry that names its build
 * @param members its exports, each with what it opens
 */
export function daemonVariables(
  store: StateFolder,
  daemon: ExportEntry,
  members: readonly { entry: ExportEntry; path: string }[],
  { retained = [], ...place }: { folder: string; logFile: string; retained?: readonly ExportEntry[] },
): DaemonVariables {
  const kept = retained.map((entry) => {
    const { shelf, slot } = entry;
    return { shelf, slot, keptAs: keptName(store, entry) };
  });
  const exports = members.map(({ entry, path }) => exportVariables(store, entry, path));
  return {
    artifact: artifactPaths(store, daemon),
    ...place,
    exports,
    exportsJson: JSON.stringify(exports, null, 2),
    retainedJson: JSON.stringify(kept, null, 2),
    interfaces: [...new Set(members.map(({ entry }) => entry.iface))],
  };
}

function artifactPaths(store: StateFolder, entry: ExportEntry): Record<string, string> {
  const folder = store.artifactsFolder(entry.build);
  return Object.fromEntries(entry.artifacts.map((name) => [name, posix.join(folder, name)]));
}

/**
 * What the target of an entry opens: the file, the device, or the loop device on the file.
 * @throws LabError if the loop device is not attached
 */
export async function exportedPath(store: EntryStore, entry: ExportEntry): Promise<string> {
  const path = await exportedPathIfAny(store, entry);
  if (path !== undefined) return path;
  throw new LabError({
    tried: `looking for the loop device of ${exportId(entry)}`,
    happened: `none is attached to ${entry.backing.name}`,
    next: `aoe-lab restart ${exportId(entry)}`,
  });
}

/** The same; undefined if the loop device is not attached. @throws CommandError if that can't be asked */
export async function exportedPathIfAny(store: EntryStore, entry: ExportEntry): Promise<string | undefined> {
  if (!entry.backing.loop) return entry.backing.opens;
  const [device] = await ownLoops(store, entry);
  // By a name that stays the same, whichever device a later boot gives.
  return device !== undefined && entry.persist ? loopLink(store, entry) : device;
}

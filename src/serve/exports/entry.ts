/**
 * The truth about a host's exports: one JSON file each in `STATE/exports/`, written atomically, before anything is done.
 * All that a later command needs to undo or repeat that is in it, so that neither recipes nor the cache are needed.
 */
import { posix } from 'node:path';
import { LabError } from '../../base/errors.js';
import { parseJson } from '../../base/json.js';
import { type Host, type HostLock, isTemporary, type Unread } from '../../hosts/host/host.js';
import { withRights } from '../../hosts/host/rights.js';
import type { PreparedLink } from '../../hosts/prepare/links.js';
import type { Control } from '../../make/recipe/schema.js';
import { SECTOR } from '../../wire/aoe/index.js';
import type { Links } from '../storage/backing.js';
import type { MadeFile } from '../storage/files.js';
import type { FindingKind } from '../storage/findings.js';
import type { Identity } from '../storage/identity.js';

/**
 * starting: being made; found by a later command under the lock, its maker died
 * running: was made completely
 * stopping: being undone; likewise
 * moving: takes the place of `migration.other`, which served it until then; likewise
 * returning: takes its place back from `migration.other`; likewise
 */
export type Phase = 'starting' | 'running' | 'stopping' | 'moving' | 'returning';

/** What initiators set on a target over the wire (AoE revision 11, sections 3.2 to 3.4). */
export interface WireState {
  /** Base64. */
  configString: string;
  /** MAC mask list where it is not the access list of the export; as `00:11:22:33:44:55`. */
  masks: string[];
  reservation: string[];
}

export interface ExportOptions {
  readOnly?: boolean;
  /** Allowed initiators, as `00:11:22:33:44:55`. */
  macs?: string[];
  queueLength?: number;
  directIo?: boolean;
  sync?: boolean;
  bufferCount?: number;
  /** Sectors. */
  offset?: number;
  /** Sectors. */
  length?: number;
  /** Announce the export although an access list is set. */
  broadcast?: boolean;
  /** Config string, MAC mask list and reservation can't be changed over the wire. */
  lockAccess?: boolean;
}

/** When a process that ended is started again: whatever it ended with, until its export ends. */
export type RestartPolicy = 'on-failure';

export interface ExportEntry {
  format: 1;
  phase: Phase;
  implementation: string;
  release: string;
  shelf: number;
  slot: number;
  iface: string;
  netns?: string;
  backing: {
    /** As the user typed it, absolute; links are not resolved. */
    name: string;
    /** What that meant when its target was last started by a command: absolute, links resolved. */
    path: string;
    /** What its target opens unless a loop device is between: the name, or one that stays with the disk. */
    opens: string;
    /** `opens` is a link of ours that leads to the disk as long as that has the number it was exported by (see disk-link.ts). */
    pinned?: boolean;
    kind: 'file' | 'device';
    /** Bytes. */
    size: number;
    /** Whether its name was a link; one that was none has to be none later on; not recorded by earlier versions. */
    links?: Links;
    /** Somebody else could put a link in its place (see exposed.ts). */
    exposed?: boolean;
    /** Root may open it only against the modes on the way; not recorded by earlier versions. */
    closed?: boolean;
    /** What it is, whatever its name; null where an earlier version did not record it. */
    identity: Identity | null;
    /** The file was made for this export. */
    made: boolean;
    /** What was made: this alone is ever removed. */
    madeAs?: MadeFile;
    /** Name that the file has in its folder until it is whole. */
    making?: string;
    /** A loop device is attached for this export; those in `loopsBefore` are somebody else's. */
    loop: boolean;
    loopsBefore: string[];
    /** That device, once it is attached: others come later. A persistent export's service keeps a record of it. */
    attached?: string;
  };
  options: ExportOptions;
  /** What spoke against it and was overridden. */
  allowed?: FindingKind[];
  /** Why its daemon was started without it: what its name means is not to be served. Until it is restarted. */
  held?: string;
  /** ATA serial number, for targets that can be told one: initiators know the disk by it, so that it stays as long as that is the same. */
  serial?: string;
  /** The last order to clear mask list and reservation, for targets that are told it by their configuration (see access.ts). */
  accessCleared?: string;
  /** Its process is started again when it ends. */
  restart?: RestartPolicy;
  /** The lab that it was made for, which alone changes and ends it; and its file as that names it, links and all. */
  lab?: { name: string; file: string };
  /** The test that it was made for: it ends with that (see trial.ts). */
  trial?: string;
  /** Its log goes with it, whoever ends it: a later command, too, where the one that made it was killed. */
  keepLog?: false;
  /** The host's service manager keeps it, and brings it back after a reboot (see persist/). */
  persist?: boolean;
  /** Interfaces that `host prepare` has set up for it, the lowest first: what brings it back does so again. */
  links?: PreparedLink[];
  /** Digest that names the build; its artifacts are copied to `STATE/artifacts/BUILD/`. */
  build: string;
  artifacts: string[];
  /** Path of node on the host, where this package's own code is an artifact. */
  node?: string;
  /** The recipe's way of control when it was exported. */
  control: Control;
  /** Rendered for daemons: the configuration's template, as it was then. */
  template?: string;
  /** ISO 8601. */
  since: string;
  /** Of the host when its loop device was attached: after a reboot none of them is ours. */
  bootId: string;
  /** Its interface and processes when its target was last started: some keep what they found then. */
  started?: { index: number; mac: string; mtu: number; pids: number[] };
  /** While two targets change places: the one that must not serve any more, and what the one that did had been told. */
  migration?: { other: ExportEntry; state: WireState | null };
}

/** `e0.1@eth0`, with `%NAMESPACE` behind it where it has one. Also the name of its file. */
export function exportId(entry: Pick<ExportEntry, 'shelf' | 'slot' | 'iface' | 'netns'>): string {
  const { shelf, slot, iface, netns } = entry;
  return `e${shelf}.${slot}@${iface}${netns === undefined ? '' : `%${netns}`}`;
}

/** Whether its target serves it, or is to. */
export function isWanted({ phase, held }: ExportEntry): boolean {
  return phase !== 'stopping' && held === undefined;
}

/** Whether two entries are of one export. */
export function isSameExport(one: ExportEntry, other: ExportEntry): boolean {
  return exportId(one) === exportId(other);
}

export function without(entries: readonly ExportEntry[], one: ExportEntry): ExportEntry[] {
  return entries.filter((entry) => !isSameExport(entry, one));
}

/** Where things lie in a state folder. */
export class StateFolder {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  entryPath(id: string): string {
    return posix.join(this.folder, 'exports', `${id}.json`);
  }

  logPath(name: string): string {
    return posix.join(this.folder, 'logs', `${name}.log`);
  }

  artifactsFolder(build: string): string {
    return posix.join(this.folder, 'artifacts', build);
  }

  daemonsFolder(): string {
    return posix.join(this.folder, 'daemons');
  }

  modulesFolder(): string {
    return posix.join(this.folder, 'modules');
  }

  trialsFolder(): string {
    return posix.join(this.folder, 'trials');
  }

  trialFolder(name: string): string {
    return posix.join(this.trialsFolder(), name);
  }

  /** Links to disks that have no name of their own (see disk-link.ts). */
  disksFolder(): string {
    return posix.join(this.folder, 'disks');
  }

  persistFolder(): string {
    return posix.join(this.folder, 'persist');
  }
}

/**
 * The user's alone, since who may open a folder may hold its lock. One of an earlier version is closed as well, as the modes
 * of what is not ours are let alone.
 */
const MAKE_STATE = `umask 077
if [ ! -d "$1" ]; then mkdir -p "$1"
elif [ -d "$1/exports" ] && [ -O "$1" ] && [ ! -k "$1" ]; then chmod 700 "$1"
fi`;

export function makeStateCommand(folder: string): string[] {
  return ['sh', '-c', MAKE_STATE, 'sh', folder];
}

/** What initiators see of its file or device. */
export function sectorsOf({ backing, options: { offset = 0, length } }: ExportEntry): number {
  return length ?? Math.floor(backing.size / SECTOR) - offset;
}

/** Entries of one host, and the folders that go with them. */
export class EntryStore extends StateFolder {
  readonly host: Host;
  /** While the lock is held nobody else writes entries: they are read once. By id. */
  #known: Map<string, ExportEntry> | undefined;
  #lock: HostLock | undefined;

  private constructor(host: Host, folder: string) {
    super(folder);
    this.host = host;
  }

  static async open(host: Host): Promise<EntryStore> {
    return new EntryStore(host, await host.stateFolder());
  }

  /** Taken on the folder itself, so that no file of ours is left when nothing is exported. */
  async lock(wait = 60_000): Promise<HostLock> {
    const tried = `changing exports on ${this.host.name}`;
    await withRights(tried, this.folder, () => this.host.run(makeStateCommand(this.folder)));
    const lock = await this.host.lock(this.folder, wait);
    try {
      this.#known = new Map((await this.#readAll()).map((entry) => [exportId(entry), entry]));
    } catch (error) {
      await lock.release();
      throw error;
    }
    this.#lock = lock;
    return {
      isHeld: () => lock.isHeld(),
      release: () => {
        this.#known = undefined;
        this.#lock = undefined;
        return lock.release();
      },
    };
  }

  /** Removes the folders of entries and copies when there is no entry any more; to be called under the lock. */
  async removeIfEmpty(): Promise<void> {
    if ((await this.all()).length > 0) return;
    const names = ['exports', 'artifacts', 'daemons', 'modules', 'disks', 'persist'];
    await this.host.remove(...names.map((name) => posix.join(this.folder, name)));
  }

  /**
   * All entries, sorted by id.
   * @throws LabError if a file can't be read as an entry (none is ever torn: they are replaced by rename)
   * @throws MissingError if this user may not read them
   */
  async all(): Promise<ExportEntry[]> {
    if (this.#known === undefined) return this.#readAll();
    return [...this.#known.values()].sort((a, b) => (exportId(a) < exportId(b) ? -1 : 1));
  }

  /**
   * Entries, and files that can't be read as entries: for what only looks, and must tell of the others.
   * @throws MissingError if this user may not read them
   */
  async readable(): Promise<{ entries: ExportEntry[]; unreadable: UnreadableEntry[] }> {
    const files = await this.#files();
    const entries: ExportEntry[] = [];
    const unreadable: UnreadableEntry[] = [];
    for (const [name, text] of files) {
      const entry = parseEntry(name, text);
      if ('fault' in entry) unreadable.push({ path: posix.join(this.folder, 'exports', name), ...entry });
      else entries.push(entry);
    }
    return { entries, unreadable };
  }

  /** @throws LabError if the lock was lost meanwhile: others may be at work; if the folder is full or read-only */
  async write(entry: ExportEntry): Promise<void> {
    this.#requireLock();
    const text = `${JSON.stringify(entry, null, 2)}\n`;
    await withRights(`writing the entry of ${exportId(entry)}`, this.folder, () =>
      this.host.write(this.entryPath(exportId(entry)), text, 0o600),
    );
    this.#known?.set(exportId(entry), entry);
  }

  /** What this command goes by from now on, without the file: where that has no room any more. */
  note(entry: ExportEntry): void {
    this.#known?.set(exportId(entry), entry);
  }

  /** @throws as `write` */
  async remove(entry: ExportEntry): Promise<void> {
    this.#requireLock();
    await withRights(`removing the entry of ${exportId(entry)}`, this.folder, () =>
      this.host.remove(this.entryPath(exportId(entry))),
    );
    this.#known?.delete(exportId(entry));
  }

  /** Removes what killed commands had half written; to be called under the lock, which nobody else writes without. */
  async collectGarbage(): Promise<void> {
    // By the shell alone: find(1) of busybox may know no depths.
    const script = 'for f in "$1"/*/.*.tmp "$1"/*/*/.*.tmp; do if [ -e "$f" ]; then echo "$f"; fi; done';
    const { stdout } = await this.host.run(['sh', '-c', script, 'sh', this.folder]);
    await this.host.remove(...stdout.split('\n').filter((path) => isTemporary(posix.basename(path))));
  }

  #requireLock(): void {
    if (this.#lock === undefined || this.#lock.isHeld()) return;
    throw new LabError({
      tried: `changing exports on ${this.host.name}`,
      happened: 'the lock on them was lost, with the connection',
      next: 'run the command again: it first recovers what this one left half done',
    });
  }

  async #readAll(): Promise<ExportEntry[]> {
    const { entries, unreadable } = await this.readable();
    requireReadable(this.host, unreadable);
    return entries;
  }

  #files(): Promise<Map<string, Buffer | Unread>> {
    return withRights(`reading the exports of ${this.host.name}`, this.folder, () =>
      this.host.readAll(posix.join(this.folder, 'exports'), '.json'),
    );
  }
}

/** A file among the entries that is none. */
export interface UnreadableEntry {
  path: string;
  fault: string;
}

/** @throws LabError if there are files that can't be read as entries: what they serve is not known */
export function requireReadable(host: Host, unreadable: readonly UnreadableEntry[]): void {
  if (unreadable.length === 0) return;
  throw new LabError({
    tried: `reading the entries of exports on ${host.name}`,
    happened: unreadable.map(({ path, fault }) => `${path}: ${fault}`),
    next: [
      'aoe-lab status shows the other exports',
      'use the aoe-lab that wrote it; or move the file away, stop its process and detach its loop device by hand',
    ],
  });
}

/**
 * @param name of its file, which is that of the entry: anything else was put there by somebody
 * @param text or why there is none
 */
export function parseEntry(name: string, text: Buffer | Unread): ExportEntry | { fault: string } {
  if (typeof text === 'string') return { fault: `it is ${text}` };
  if (text.length === 0) return { fault: 'it is empty' };
  let value: unknown;
  try {
    value = parseJson(text.toString());
  } catch (error) {
    return { fault: `it is no JSON: ${(error as Error).message}` };
  }
  const entry = value as ExportEntry | null;
  if (typeof entry !== 'object' || entry === null) return { fault: 'it is no entry of aoe-lab' };
  if (entry.format !== 1) return { fault: `format ${String(entry.format)} is not known to this version` };
  const isWhole =
    ['phase', 'implementation', 'release', 'iface', 'build'].every(
      (key) => typeof entry[key as keyof ExportEntry] === 'string',
    ) &&
    [entry.shelf, entry.slot, entry.backing?.size].every(Number.isSafeInteger) &&
    typeof entry.control?.shape === 'string' &&
    typeof entry.backing?.path === 'string' &&
    typeof entry.options === 'object' &&
    entry.options !== null &&
    Array.isArray(entry.artifacts);
  if (!isWhole) return { fault: 'it is no entry of aoe-lab' };
  if (`${exportId(entry)}.json` !== name) return { fault: `it is the entry of ${exportId(entry)}` };
  return completed(entry);
}

/** What earlier versions did not record is as good as can be told from what they did. */
function completed(entry: ExportEntry): ExportEntry {
  const { path } = entry.backing;
  const { migration } = entry;
  return {
    ...entry,
    phase: (entry.phase as string) === 'wish' ? 'starting' : entry.phase,
    backing: { ...{ name: path, opens: path, identity: null }, ...entry.backing },
    ...(migration === undefined ? {} : { migration: { ...migration, other: completed(migration.other) } }),
  };
}

/**
 * The truth about a host's exports: one JSON file each in `STATE/exports/`, written atomically, the wish before the deed.
 * All that a later command needs to undo or repeat the deed is in it, so that neither recipes nor the cache are needed.
 */
import { posix } from 'node:path';
import { LabError } from '../errors.js';
import { type Host, type HostLock, isTemporary } from '../host/host.js';
import type { Control } from '../recipe/schema.js';
import { SECTOR } from '../storage/backing.js';
import type { RestartPolicy } from './supervise.js';

/**
 * wish: being made; found by a later command under the lock, its maker died
 * running: was made completely
 * stopping: being undone; likewise
 * moving: takes the place of `migration.other`, which served it until then; likewise
 * returning: takes its place back from `migration.other`; likewise
 */
export type Phase = 'wish' | 'running' | 'stopping' | 'moving' | 'returning';

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
}

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
    path: string;
    kind: 'file' | 'device';
    /** Bytes. */
    size: number;
    /** The file was made for this export. */
    made: boolean;
    /** A loop device is attached for this export; those in `loopsBefore` are somebody else's. */
    loop: boolean;
    loopsBefore: string[];
  };
  options: ExportOptions;
  /** Its process is started again when it ends. */
  restart?: RestartPolicy;
  /** The lab that it was made for, which alone changes and ends it; and its file as that names it, links and all. */
  lab?: { name: string; file: string };
  /** The test that it was made for: it ends with that (see trial.ts). */
  trial?: string;
  /** The host's service manager keeps it, and brings it back after a reboot (see persist/). */
  persist?: boolean;
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

  persistFolder(): string {
    return posix.join(this.folder, 'persist');
  }
}

/** What initiators see of its file or device. */
export function sectorsOf({ backing, options: { offset = 0, length } }: ExportEntry): number {
  return length ?? backing.size / SECTOR - offset;
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
    await this.host.run(['mkdir', '-p', this.folder]);
    const lock = await this.host.lock(this.folder, wait);
    this.#lock = lock;
    this.#known = new Map((await this.#readAll()).map((entry) => [exportId(entry), entry]));
    return {
      isHeld: () => lock.isHeld(),
      release: () => {
        this.#known = undefined;
        this.#lock = undefined;
        return lock.release();
      },
    };
  }

  /** Removes the folders of entries, logs and copies when there is no entry any more; to be called under the lock. */
  async removeIfEmpty(): Promise<void> {
    if ((await this.all()).length > 0) return;
    for (const name of ['exports', 'logs', 'artifacts', 'daemons', 'modules', 'persist']) {
      await this.host.remove(posix.join(this.folder, name));
    }
  }

  /**
   * All entries, sorted by id.
   * @throws LabError if a file can't be read as an entry (none is ever torn: they are replaced by rename)
   */
  async all(): Promise<ExportEntry[]> {
    if (this.#known === undefined) return this.#readAll();
    return [...this.#known.values()].sort((a, b) => (exportId(a) < exportId(b) ? -1 : 1));
  }

  /** @throws LabError if the lock was lost meanwhile: others may be at work */
  async write(entry: ExportEntry): Promise<void> {
    this.#requireLock();
    await this.host.write(this.entryPath(exportId(entry)), `${JSON.stringify(entry, null, 2)}\n`, 0o600);
    this.#known?.set(exportId(entry), entry);
  }

  /** @throws as `write` */
  async remove(entry: ExportEntry): Promise<void> {
    this.#requireLock();
    await this.host.remove(this.entryPath(exportId(entry)));
    this.#known?.delete(exportId(entry));
  }

  /** Removes what killed commands had half written; to be called under the lock, which nobody else writes without. */
  async sweep(): Promise<void> {
    const { stdout } = await this.host.run(
      ['find', this.folder, '-mindepth', '2', '-maxdepth', '3', '-name', '.*.tmp'],
      // 1: a daemon removed a file of its own meanwhile.
      { accept: [1] },
    );
    for (const path of stdout.split('\n')) {
      if (isTemporary(posix.basename(path))) await this.host.remove(path);
    }
  }

  #requireLock(): void {
    if (this.#lock === undefined || this.#lock.isHeld()) return;
    throw new LabError({
      tried: `changing exports on ${this.host.name}`,
      happened: 'the lock on them was lost, with the connection',
      next: 'run the command again: it first mends what this one left half done',
    });
  }

  async #readAll(): Promise<ExportEntry[]> {
    const files = await this.host.readAll(posix.join(this.folder, 'exports'), '.json');
    return [...files].map(([name, text]) => this.#parse(name, text));
  }

  #parse(name: string, text: Buffer): ExportEntry {
    const path = posix.join(this.folder, 'exports', name);
    try {
      const entry = JSON.parse(text.toString()) as ExportEntry;
      if (entry.format !== 1) throw new Error(`format ${String(entry.format)} is not known to this version`);
      return entry;
    } catch (error) {
      throw new LabError({
        tried: `reading the entry ${path} on ${this.host.name}`,
        happened: (error as Error).message,
        next: 'use the aoe-lab that wrote it; or move the file away, stop its process and detach its loop device by hand',
        cause: error,
      });
    }
  }
}

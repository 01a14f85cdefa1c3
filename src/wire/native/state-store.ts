import { createHash, randomBytes } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { LabError } from '../../base/errors.js';
import { type Address, formatAddress } from '../aoe/index.js';
import { decodeState, encodeState, NO_STATE, type TargetState } from './state.js';
import { StateWrites } from './state-writes.js';

/** Keeps the state of one target. */
export interface StateKeeper {
  /** What was kept last. */
  readonly kept: TargetState;
  /** Resolves when the state will survive the process, and the system. @throws an error if it can't be kept */
  keep(state: TargetState): Promise<void>;
}

/** Keeps the state as long as the process lives. */
export class Forgetful implements StateKeeper {
  kept: TargetState;

  constructor(state: TargetState) {
    this.kept = state;
  }

  async keep(state: TargetState): Promise<void> {
    this.kept = state;
  }
}

/** The states of targets in a folder, a file each: `e0.1-DIGEST.json`, DIGEST being of the backing file's path. */
export class StateStore {
  readonly #folder: string;
  readonly #onKept: () => void;
  readonly #writes: StateWrites;

  /** @param onKept called when something new has been kept */
  constructor(folder: string, onKept: () => void = () => {}, writes = new StateWrites()) {
    this.#folder = folder;
    this.#writes = writes;
    this.#onKept = onKept;
  }

  /** What was kept of a target, and the way to keep what follows. @throws LabError if it can't be read */
  async open(address: Address, path: string): Promise<{ state: TargetState; keeper: StateKeeper }> {
    await mkdir(this.#folder, { recursive: true });
    const file = join(this.#folder, stateName(address, path));
    const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    try {
      const state = text === undefined ? NO_STATE : decodeState(text);
      return { state, keeper: new FileKeeper(file, state, this.#writes, this.#onKept) };
    } catch (cause) {
      throw new LabError({
        tried: `reading what ${formatAddress(address)} had kept in ${file}`,
        happened: (cause as Error).message,
        next: 'remove the file: config string, masks and reservation are then forgotten',
        cause,
      });
    }
  }

  /**
   * Forgets all targets but those named, and what an earlier process was writing when it was killed.
   * @param targets `formerly`: another name by which an earlier version kept it
   */
  async retain(targets: readonly { address: Address; path: string; formerly?: string }[]): Promise<void> {
    const names = new Set(targets.map(({ address, path }) => stateName(address, path)));
    const there = new Set(await readdir(this.#folder).catch(() => []));
    for (const { address, path, formerly = path } of targets) {
      const [name, former] = [stateName(address, path), stateName(address, formerly)];
      if (names.has(former) || there.has(name) || !there.delete(former)) continue;
      await rename(join(this.#folder, former), join(this.#folder, name));
    }
    for (const name of there) {
      const [, target = '', temporary = ''] = /^(e\d+\.\d+-[0-9a-f]{8}\.json)(.*)$/.exec(name) ?? [];
      if (target === '' || (names.has(target) && (temporary === '' || temporary.startsWith(OWN)))) continue;
      await rm(join(this.#folder, name), { force: true });
    }
  }
}

/** Files that are being written bear the process's number. */
const OWN = `.${process.pid}-`;

function stateName(address: Address, path: string): string {
  const digest = createHash('sha256').update(path).digest('hex').slice(0, 8);
  return `${formatAddress(address)}-${digest}.json`;
}

interface Write {
  state: TargetState;
  written: Promise<void>;
}

/** Writes one after the other; of those that wait only the last. */
class FileKeeper implements StateKeeper {
  kept: TargetState;
  readonly #file: string;
  readonly #writes: StateWrites;
  readonly #onKept: () => void;
  #last: Promise<void> = Promise.resolve();
  #writing: Write | undefined;
  #next: Write | undefined;

  /** @param state what is in the file */
  constructor(file: string, state: TargetState, writes: StateWrites, onKept: () => void) {
    this.#file = file;
    this.#writes = writes;
    this.#onKept = onKept;
    this.kept = state;
  }

  keep(state: TargetState): Promise<void> {
    if (this.#next) {
      this.#next.state = state;
      return this.#next.written;
    }
    if (this.#writing?.state === state) return this.#writing.written;
    const next: Write = { state, written: Promise.resolve() };
    next.written = this.#last.then(() => this.#writes.run(this.#file, () => this.#begin(next)));
    this.#next = next;
    this.#last = next.written.catch(() => {});
    return next.written;
  }

  async #begin(write: Write): Promise<void> {
    this.#next = undefined;
    this.#writing = write;
    try {
      await this.#write(write.state);
      this.kept = write.state;
      this.#onKept();
    } finally {
      this.#writing = undefined;
    }
  }

  async #write(state: TargetState): Promise<void> {
    const temporary = `${this.#file}${OWN}${randomBytes(4).toString('hex')}.tmp`;
    try {
      const handle = await open(temporary, 'w', 0o600);
      try {
        await handle.writeFile(encodeState(state));
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(temporary, this.#file);
      await syncFolder(dirname(this.#file));
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }
}

/** Without that the system may forget a rename. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

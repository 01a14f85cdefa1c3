/**
 * Exports for a test, on a host that may have others. They last as long as the process that made them: it holds the lock on
 * the trial's folder in the state folder, where their files lie. Where nobody holds it (kill -9, a lost connection), the
 * next command that changes exports there ends them and removes the folder.
 */
import { randomBytes } from 'node:crypto';
import { posix } from 'node:path';
import type { Host, HostLock } from '../../hosts/host/host.js';
import { EntryStore } from './entry.js';
import { collectGarbage } from './garbage.js';
import { type Recovery, recover } from './recover.js';
import {
  abandonedAmong,
  elsewhereFile,
  filesFolder,
  folderName,
  listTrials,
  makeElsewhere,
  removeTrials,
} from './trials.js';
import { undo } from './undo.js';

/** Milliseconds; nobody else has the lock of a folder that has just been made. */
const OWN_LOCK = 1000;

export class Trial {
  /** In its exports' entries. */
  readonly name: string;
  /** On the host, for files. */
  readonly folder: string;
  readonly #store: EntryStore;
  readonly #held: HostLock;

  private constructor(store: EntryStore, name: string, held: HostLock) {
    this.name = name;
    this.folder = filesFolder(store, name);
    this.#store = store;
    this.#held = held;
  }

  /**
   * Begins one, and takes away what those of killed commands left.
   * @param purpose part of its name, such as `verify`
   * @param onRecovery told what they had left
   */
  static begin(
    host: Host,
    purpose: string,
    onRecovery: (recovery: Recovery) => void = () => {},
  ): Promise<Trial> {
    return locked(host, async (store) => {
      onRecovery(await recover(store));
      await removeTrials(store, await abandonedAmong(store, await listTrials(store)));
      const name = `${purpose}-${randomBytes(4).toString('hex')}`;
      // Others look for folders that nobody holds under the lock alone.
      await host.run(['mkdir', '-p', filesFolder(store, name)]);
      return new Trial(store, name, await host.lock(store.trialFolder(name), OWN_LOCK));
    });
  }

  /** Makes another folder, which is removed like the first. @param parent where */
  async folderIn(parent: string): Promise<string> {
    const path = posix.join(parent, folderName(this.name));
    await this.#store.host.write(elsewhereFile(this.#store, this.name), path);
    await makeElsewhere(this.#store.host, path);
    return path;
  }

  /** Ends its exports, and removes its files. */
  async end(): Promise<void> {
    await locked(this.#store.host, async (store) => {
      for (const entry of await store.all()) {
        if (entry.trial === this.name) await undo(store, entry, true);
      }
      await removeTrials(store, [this.name]);
      await collectGarbage(store);
    });
    await this.#held.release();
  }
}

async function locked<T>(host: Host, job: (store: EntryStore) => Promise<T>): Promise<T> {
  const store = await EntryStore.open(host);
  const lock = await store.lock();
  try {
    return await job(store);
  } finally {
    await lock.release();
  }
}

/** What an application does to real hosts. */
import type { LabError } from '../../base/errors.js';
import { expectedError } from '../../base/system-errors.js';
import type { Host } from '../../hosts/host/host.js';
import { EntryStore, exportId } from '../../serve/exports/entry.js';
import { exportTargets } from '../../serve/exports/export.js';
import { type ProvideOptions, provide } from '../../serve/exports/provide.js';
import type { Recovery } from '../../serve/exports/recover.js';
import { restartEach } from '../../serve/exports/restart.js';
import type { Served } from '../../serve/exports/served.js';
import type { Undone } from '../../serve/exports/undo.js';
import { type EndFinding, unexportTargets } from '../../serve/exports/unexport.js';
import type { MadeFile } from '../../serve/storage/files.js';
import type { Create, Delete, Replace, Restart } from './actions.js';
import type { Executor, Failure } from './apply.js';
import { groupBy } from './group.js';
import type { Lab, LabExport } from './lab.js';
import { specOf } from './spec.js';

export interface ExecutorOptions extends Pick<ProvideOptions, 'offline' | 'onEvent'> {
  /** Files that the lab made go with their exports even where they hold data. */
  removeFiles?: boolean;
  /** As `unexportTargets` takes it. */
  allow?: true | readonly EndFinding[];
  /** Told what whoever runs a target should know of its source and its build. */
  onRemark?: (text: string) => void;
  /** Told what killed commands had left on a host and was recovered. */
  onRecovery?: (host: string, recovery: Recovery) => void;
  /** Told of each export that ended what became of its file. */
  onEnded?: (host: string, undone: Undone) => void;
}

type Ending = Delete | Replace;

export class HostExecutor implements Executor {
  readonly #lab: Pick<Lab, 'name'>;
  readonly #hosts: ReadonlyMap<string, Host>;
  readonly #options: ExecutorOptions;
  /** By host and what is asked for; and, of what is asked for, the first that is under way. */
  readonly #served = new Map<string, Promise<Served>>();
  readonly #said = new Set<string>();
  readonly #first = new Map<string, Promise<unknown>>();
  /** Files that exports made which others take the place of, by host and name. */
  readonly #made = new Map<string, MadeFile>();

  /** @param hosts those of the plan's actions, by name */
  constructor(lab: Pick<Lab, 'name'>, hosts: ReadonlyMap<string, Host>, options: ExecutorOptions = {}) {
    this.#lab = lab;
    this.#hosts = hosts;
    this.#options = options;
  }

  provide({ host, export: one }: Create | Replace): Promise<Failure> {
    return failureOf(() => this.#serverOf(host, one));
  }

  async end(name: string, actions: readonly Ending[]): Promise<Failure[]> {
    const host = this.#host(name);
    const { allow = true } = this.#options;
    const failures = new Map<Ending, Failure>();
    for (const [fileStays, group] of groupBy(actions, (action) => action.fileStays)) {
      const removeFile = fileStays ? 'never' : (this.#options.removeFiles ?? false);
      const outcomes = await together(group, async (some) => {
        const store = await EntryStore.open(host);
        const entries = await store.all();
        for (const { lab, backing } of entries) {
          if (lab !== undefined && backing.madeAs !== undefined) {
            this.#made.set(`${name} ${lab.file}`, backing.madeAs);
          }
        }
        const there = new Set(entries.map(exportId));
        // Of several, some may have ended before one failed.
        const ids = some.map(({ id }) => id).filter((id) => there.has(id));
        if (ids.length === 0) return;
        const { recovery, unexported } = await unexportTargets(host, ids, removeFile, { allow });
        this.#options.onRecovery?.(name, recovery);
        for (const undone of unexported) this.#options.onEnded?.(name, undone);
      });
      for (const [index, action] of group.entries()) failures.set(action, outcomes[index]);
    }
    return actions.map((action) => failures.get(action));
  }

  async restart(name: string, actions: readonly Restart[]): Promise<Failure[]> {
    const ids = actions.map(({ id }) => id);
    try {
      const { failed, recovery } = await restartEach(this.#host(name), ids);
      this.#options.onRecovery?.(name, recovery);
      return ids.map((id) => failed.find((one) => one.id === id)?.error);
    } catch (error) {
      return actions.map(() => expected(error));
    }
  }

  async make(name: string, actions: readonly (Create | Replace)[]): Promise<Failure[]> {
    const orders = await Promise.all(
      actions.map(async (action) => {
        const made = action.made ? this.#made.get(`${name} ${action.export.file}`) : undefined;
        const spec = { ...specOf(this.#lab, action.export), ...(made === undefined ? {} : { made }) };
        return { served: await this.#serverOf(name, action.export), spec };
      }),
    );
    try {
      const outcomes = await exportTargets(this.#host(name), orders, (recovery) =>
        this.#options.onRecovery?.(name, recovery),
      );
      return outcomes.map(({ error }) => error);
    } catch (error) {
      return actions.map(() => expected(error));
    }
  }

  /** Once for each host, and first for one of them: what that fetches and builds, the others find in the store. */
  #serverOf(host: string, { implementation, release, source, unpinned }: LabExport): Promise<Served> {
    const kind = JSON.stringify([implementation, release, source, unpinned]);
    const key = `${host} ${kind}`;
    const known = this.#served.get(key);
    if (known !== undefined) return known;
    const { offline, onEvent, onRemark } = this.#options;
    const runsOn = this.#host(host);
    const job = async (): Promise<Served> => {
      const provided = await provide(implementation, {
        release,
        source,
        unpinned,
        offline,
        runsOn,
        ...(onEvent === undefined ? {} : { onEvent }),
      });
      // The same of all hosts that one build serves.
      for (const text of provided.remarks) if (!this.#said.has(text)) onRemark?.(text);
      for (const text of provided.remarks) this.#said.add(text);
      return provided;
    };
    const first = this.#first.get(kind);
    const served = first === undefined ? job() : first.catch(() => {}).then(job);
    this.#served.set(key, served);
    if (first === undefined) this.#first.set(kind, served);
    return served;
  }

  #host(name: string): Host {
    const host = this.#hosts.get(name);
    if (host === undefined) throw new TypeError(`host ${name} was not reached`);
    return host;
  }
}

/** Does a thing to all at once, and where that fails, to each alone, so that one does not keep the others from it. */
async function together<T>(
  all: readonly T[],
  act: (some: readonly T[]) => Promise<void>,
): Promise<Failure[]> {
  const failure = await failureOf(() => act(all));
  if (failure === undefined || all.length === 1) return all.map(() => failure);
  const failures: Failure[] = [];
  for (const one of all) failures.push(await failureOf(() => act([one])));
  return failures;
}

async function failureOf(job: () => Promise<unknown>): Promise<Failure> {
  try {
    await job();
    return undefined;
  } catch (error) {
    return expected(error);
  }
}

/** @throws what is a fault of aoe-lab itself */
function expected(error: unknown): LabError {
  const known = expectedError(error);
  if (known !== undefined) return known;
  throw error;
}

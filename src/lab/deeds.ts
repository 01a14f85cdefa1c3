/** What an application does to real hosts. */
import { LabError } from '../errors.js';
import type { Host } from '../host/host.js';
import { exportTarget } from '../target/export.js';
import type { Served } from '../target/plan.js';
import { type ProvideOptions, provide } from '../target/provide.js';
import type { Recovery } from '../target/recover.js';
import { restartTargets } from '../target/restart.js';
import type { RemoveFile } from '../target/undo.js';
import { unexportTargets } from '../target/unexport.js';
import type { Deeds, Failure } from './apply.js';
import type { Lab, LabExport } from './lab.js';
import type { Action, Create, Replace, Restart } from './plan.js';
import { wishOf } from './wish.js';

export interface DeedOptions extends Pick<ProvideOptions, 'offline' | 'onEvent'> {
  /** Files that the lab made go with their exports even where they hold data. */
  removeFiles?: boolean;
  /** Told what killed commands had left on a host and was mended. */
  onRecovery?: (host: string, recovery: Recovery) => void;
}

export class HostDeeds implements Deeds {
  readonly #lab: Pick<Lab, 'name'>;
  readonly #hosts: ReadonlyMap<string, Host>;
  readonly #options: DeedOptions;
  readonly #served = new Map<string, Promise<Served>>();

  /** @param hosts those of the plan's actions, by name */
  constructor(lab: Pick<Lab, 'name'>, hosts: ReadonlyMap<string, Host>, options: DeedOptions = {}) {
    this.#lab = lab;
    this.#hosts = hosts;
    this.#options = options;
  }

  provide({ export: one }: Create | Replace): Promise<Failure> {
    return failureOf(() => this.#serverOf(one));
  }

  end(host: string, actions: readonly Action[]): Promise<Failure[]> {
    return this.#oneByOne(actions, async ({ kind, id }) => {
      const removeFile: RemoveFile = kind === 'replace' ? 'never' : (this.#options.removeFiles ?? false);
      const { recovery } = await unexportTargets(this.#host(host), [id], removeFile);
      this.#options.onRecovery?.(host, recovery);
    });
  }

  restart(host: string, actions: readonly Restart[]): Promise<Failure[]> {
    return this.#oneByOne(actions, async ({ id }) => {
      const { recovery } = await restartTargets(this.#host(host), [id]);
      this.#options.onRecovery?.(host, recovery);
    });
  }

  make(host: string, actions: readonly (Create | Replace)[]): Promise<Failure[]> {
    return this.#oneByOne(actions, async (action) => {
      const wish = wishOf(this.#lab, action.export);
      if (action.kind === 'replace') wish.made = action.made;
      const served = await this.#serverOf(action.export);
      const onRecovery = (recovery: Recovery) => this.#options.onRecovery?.(host, recovery);
      await exportTarget(this.#host(host), served, wish, onRecovery);
    });
  }

  async #oneByOne<T>(actions: readonly T[], deed: (action: T) => Promise<void>): Promise<Failure[]> {
    const failures: Failure[] = [];
    for (const action of actions) failures.push(await failureOf(() => deed(action)));
    return failures;
  }

  /** Each build once, however many exports it serves. */
  #serverOf({ implementation, release, source }: LabExport): Promise<Served> {
    const key = JSON.stringify([implementation, release, source]);
    const { offline, onEvent } = this.#options;
    const known = this.#served.get(key);
    const served =
      known ??
      provide(implementation, { release, source, offline, ...(onEvent === undefined ? {} : { onEvent }) });
    this.#served.set(key, served);
    return served;
  }

  #host(name: string): Host {
    const host = this.#hosts.get(name);
    if (host === undefined) throw new TypeError(`host ${name} was not reached`);
    return host;
  }
}

/** @throws what is a fault of aoe-lab itself */
async function failureOf(job: () => Promise<unknown>): Promise<Failure> {
  try {
    await job();
    return undefined;
  } catch (error) {
    if (error instanceof LabError) return error;
    throw error;
  }
}

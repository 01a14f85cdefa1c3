/**
 * Carries a plan out. On each host what ends goes first, then what died is restarted, then what is new is made; an address
 * that moves is made only after its old host has ended it. Hosts go in parallel, and none waits for the fault of another.
 */

import pLimit, { type LimitFunction } from 'p-limit';
import { formatAddress } from '../../wire/aoe/index.js';
import type { Action, Create, Delete, LabPlan, Replace, Restart } from './actions.js';
import { groupBy } from './group.js';

export type Outcome =
  | { action: Action; result: 'done' }
  /** Begun, and not brought to its end; `error` is what the host, or the build, says. */
  | { action: Action; result: 'failed'; error: Error }
  /** Not begun, because it was called off or something before it failed. */
  | { action: Action; result: 'skipped'; why: string };

export type Failure = Error | undefined;

/** What is done to hosts; each is told per export how it fared and throws nothing. */
export interface Executor {
  /** Fetches and builds what an export is to be served by, before anything is ended. */
  provide(action: Create | Replace): Promise<Failure>;
  /** Ends exports. */
  end(host: string, actions: readonly (Delete | Replace)[]): Promise<Failure[]>;
  restart(host: string, actions: readonly Restart[]): Promise<Failure[]>;
  make(host: string, actions: readonly (Create | Replace)[]): Promise<Failure[]>;
}

export interface ApplyOptions {
  /** Hosts at once. */
  parallel: number;
  /** Nothing more is begun once it is aborted; what is under way comes to its end. */
  signal?: AbortSignal;
  onOutcome?: (outcome: Outcome) => void;
}

/** @returns an outcome for each action of the plan; never rejects for the fault of a host */
export async function applyPlan(
  plan: LabPlan,
  executor: Executor,
  options: ApplyOptions,
): Promise<Outcome[]> {
  return new Application(plan, executor, options).run();
}

class Application {
  readonly #plan: LabPlan;
  readonly #executor: Executor;
  readonly #options: ApplyOptions;
  readonly #limit: LimitFunction;
  readonly #outcomes = new Map<Action, Outcome>();
  /** Replaced ones that are away, and not made yet. */
  readonly #away = new Set<Action>();

  constructor(plan: LabPlan, executor: Executor, options: ApplyOptions) {
    this.#plan = plan;
    this.#executor = executor;
    this.#options = options;
    this.#limit = pLimit(options.parallel);
  }

  async run(): Promise<Outcome[]> {
    const { actions } = this.#plan;
    const hosts = groupBy(actions, ({ host }) => host);
    await Promise.all([...hosts.values()].map((own) => this.#limit(() => this.#provide(own))));
    const ended = new Map<string, Promise<void>>();
    for (const [host, own] of hosts)
      ended.set(
        host,
        this.#limit(() => this.#endAndRestart(host, own)),
      );
    await Promise.all(
      [...hosts].map(async ([host, own]) => {
        const from = own.flatMap((action) => (action.kind === 'create' ? action.movedFrom : []));
        // Waited for outside the limit, so that no host keeps its place from those it waits for.
        await Promise.all([host, ...from].map((name) => ended.get(name)));
        await this.#limit(() => this.#make(host, own));
      }),
    );
    return actions.map((action) => this.#outcomes.get(action) as Outcome);
  }

  async #provide(own: readonly Action[]): Promise<void> {
    for (const action of own.filter(isMade)) {
      if (!this.#goesOn(action)) continue;
      const failure = await this.#executor.provide(action);
      if (failure !== undefined) this.#end(action, failure);
    }
  }

  async #endAndRestart(host: string, own: readonly Action[]): Promise<void> {
    // Another export may be waiting for the file that a replaced one leaves.
    await this.#each(own, leaves, async (actions) => this.#executor.end(host, actions), isDelete);
    await this.#each(own, isRestart, async (actions) => this.#executor.restart(host, actions));
  }

  async #make(host: string, own: readonly Action[]): Promise<void> {
    // One after the other, so that each is away as shortly as can be.
    for (const action of own.filter(isReplace)) {
      if (leaves(action)) continue;
      await this.#each(
        [action],
        isReplace,
        async (actions) => this.#executor.end(host, actions),
        () => false,
      );
      await this.#each([action], isReplace, async (actions) => this.#executor.make(host, actions));
    }
    for (const action of own) {
      if (action.kind === 'create') this.#skipUnmoved(action);
    }
    await this.#each(own, isMade, async (actions) => this.#executor.make(host, actions));
  }

  /**
   * Does one thing to all actions of a kind that are still to be done.
   * @param isDone whether an action is done by it; the others go on
   */
  async #each<T extends Action>(
    own: readonly Action[],
    isOne: (action: Action) => action is T,
    act: (actions: T[]) => Promise<Failure[]>,
    isDone: (action: Action) => boolean = () => true,
  ): Promise<void> {
    const actions = own.filter(isOne).filter((action) => this.#goesOn(action));
    if (actions.length === 0) return;
    const failures = await act(actions);
    for (const [index, action] of actions.entries()) {
      if (failures[index] !== undefined || isDone(action)) this.#end(action, failures[index]);
      else this.#away.add(action);
    }
  }

  /** Whether an action is still to be done; those that a signal called off are settled. */
  #goesOn(action: Action): boolean {
    if (this.#outcomes.has(action)) return false;
    if (!this.#options.signal?.aborted) return true;
    const why = this.#away.has(action) ? 'it was called off; the old one has ended' : 'it was called off';
    this.#note({ action, result: 'skipped', why });
    return false;
  }

  #skipUnmoved(action: Create): void {
    const still = this.#plan.actions.find(
      (other) =>
        other.kind === 'delete' &&
        action.movedFrom.includes(other.host) &&
        formatAddress(other.is) === formatAddress(action.export.address) &&
        this.#outcomes.get(other)?.result !== 'done',
    );
    if (still === undefined || this.#outcomes.has(action)) return;
    this.#note({ action, result: 'skipped', why: `${still.host} still has ${still.id}` });
  }

  #end(action: Action, error: Failure): void {
    this.#note(error === undefined ? { action, result: 'done' } : { action, result: 'failed', error });
  }

  #note(outcome: Outcome): void {
    this.#outcomes.set(outcome.action, outcome);
    this.#options.onOutcome?.(outcome);
  }
}

function isDelete(action: Action): action is Delete {
  return action.kind === 'delete';
}

function isReplace(action: Action): action is Replace {
  return action.kind === 'replace';
}

function isRestart(action: Action): action is Restart {
  return action.kind === 'restart';
}

function isMade(action: Action): action is Create | Replace {
  return action.kind === 'create' || action.kind === 'replace';
}

/** Ended before anything is made: others may take its address or its file. */
function leaves(action: Action): action is Delete | Replace {
  return isDelete(action) || (isReplace(action) && action.differences.some(({ field }) => field === 'file'));
}

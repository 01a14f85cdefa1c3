/** Whether what a plan would make can be provided for its host; asked once a host and target, fetching and building nothing. */
import pLimit from 'p-limit';
import { MissingError, UnreachableError, UsageError } from '../../base/errors.js';
import { expectedError } from '../../base/system-errors.js';
import type { Host } from '../../hosts/host/host.js';
import { requireProvidable } from '../../serve/exports/provide.js';
import type { Action, Create, LabPlan, Replace, Trouble } from './actions.js';
import { groupBy } from './group.js';

export interface ProvisionOptions {
  /** Hosts at once. */
  parallel: number;
  offline?: boolean | undefined;
}

type Made = Create | Replace;

/**
 * Takes out of a plan what `apply` could not build or bring to its host, and tells why.
 * @param hosts those of the plan's actions, by name
 */
export async function judgeProvision(
  plan: LabPlan,
  hosts: ReadonlyMap<string, Host>,
  { parallel, offline }: ProvisionOptions,
): Promise<LabPlan> {
  const limit = pLimit(parallel);
  const byHost = groupBy(plan.actions.filter(isMade), ({ host }) => host);
  const judged = await Promise.all(
    [...byHost].map(([name, own]) => limit(() => judgeHost(hosts.get(name) as Host, own, offline))),
  );
  const failed = new Map(judged.flat());
  return {
    ...plan,
    actions: plan.actions.filter((action) => !failed.has(action)),
    troubles: [...plan.troubles, ...failed.values()],
  };
}

/** One after the other: what is asked for the second is mostly known from the first. */
async function judgeHost(
  runsOn: Host,
  actions: readonly Made[],
  offline: boolean | undefined,
): Promise<[Action, Trouble][]> {
  const kinds = groupBy(actions, ({ export: { implementation, release, source, unpinned } }) =>
    JSON.stringify([implementation, release, source, unpinned]),
  );
  const failed: [Action, Trouble][] = [];
  for (const own of kinds.values()) {
    const { implementation, release, source, unpinned } = (own[0] as Made).export;
    try {
      await requireProvidable(implementation, { release, source, offline, unpinned, runsOn });
    } catch (error) {
      const said = whyNot(implementation, error);
      failed.push(...own.map((one): [Action, Trouble] => [one, { host: one.host, id: one.id, ...said }]));
    }
  }
  return failed;
}

/** @throws what is a fault of aoe-lab itself */
function whyNot(implementation: string, error: unknown): Pick<Trouble, 'happened' | 'next'> {
  const known = expectedError(error);
  if (known === undefined) throw error;
  const isAnswer = [MissingError, UsageError, UnreachableError].some((kind) => known instanceof kind);
  const { next } = known.facts;
  return {
    happened: isAnswer
      ? known.message
      : `whether ${implementation} can be built for it can't be asked: ${known.message}`,
    next: next === undefined || typeof next === 'string' ? (next ?? null) : next.join('; '),
  };
}

function isMade(action: Action): action is Made {
  return action.kind === 'create' || action.kind === 'replace';
}

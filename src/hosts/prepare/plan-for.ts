import type { Host } from '../host/host.js';
import { needName, type Purpose } from './needs.js';
import { type Change, lackedNeeds, type Plan, type PrepareSpec, planPreparation } from './plan.js';
import { type Survey, surveyHost } from './survey.js';

/**
 * What has to be changed on a host as it is now.
 * @param survey what is known of it. Default: it is looked at
 * @throws as planPreparation, and LabError if it can't be looked at
 */
export async function planFor(host: Host, spec: PrepareSpec, survey?: Survey): Promise<Plan> {
  const folder = await host.stateFolder();
  const isThere = (await host.stat(folder)) !== undefined;
  return planPreparation(survey ?? (await surveyHost(host)), spec, isThere ? undefined : folder);
}

/** Names of what is missing still, though packages that were to bring it have been installed. */
export async function lackingAfter(
  host: Host,
  changes: readonly Change[],
  purposes: readonly Purpose[],
): Promise<string[]> {
  if (changes.every(({ installs }) => installs === undefined)) return [];
  const survey = await surveyHost(host);
  return lackedNeeds(survey, purposes).map((need) => needName(need, survey.kernel));
}

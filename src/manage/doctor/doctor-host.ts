/** The doctor's look at a host over SSH: beside what any machine needs, what the survey of `host check` finds. */

import type { Host } from '../../hosts/host/host.js';
import { type Need, packageFor } from '../../hosts/prepare/needs.js';
import { CLOCK_TOLERANCE } from '../../hosts/prepare/plan.js';
import { planFor } from '../../hosts/prepare/plan-for.js';
import { prepareHost } from '../../hosts/prepare/prepare.js';
import { type Survey, surveyHost } from '../../hosts/prepare/survey.js';
import { runsOn } from '../../make/compile/elsewhere.js';
import { findToolchain } from '../../make/compile/toolchain.js';
import type { Recipe } from '../../make/recipe/schema.js';
import { isNodeFor, nodeWanted } from '../../serve/exports/own-code.js';
import type { Check } from './check.js';
import { type Diagnosis, diagnose, packagesFor } from './doctor.js';

/** Looks at a host; changes nothing. @throws as Host.run */
export async function diagnoseHost(host: Host, recipes: readonly Recipe[]): Promise<Diagnosis> {
  const [survey, comesBuilt] = await Promise.all([surveyHost(host), takesBuilds(host)]);
  // Modules are built for its kernel: where it has the headers, or here.
  const daemons = recipes.filter(({ kind }) => kind !== 'kernel module');
  const { checks, missing } = await diagnose(host, daemons, 'use', { comesBuilt, known: survey });
  const needed = survey.missing.filter(({ purpose }) => purpose === 'run');
  const all = [
    ...missing,
    ...needed
      .filter((need) => missing.every(({ name }) => name !== need.name))
      .map((need) => ({ kind: 'command' as const, name: need.name, debian: need.packages.apt ?? need.name })),
  ];
  return {
    checks: [...checks, ...(await surveyed(survey))],
    missing: all,
    manager: survey.manager,
    packages: packagesFor(all, survey.manager, survey.kernel),
  };
}

/**
 * Installs what a host lacks by its own package manager, as `host prepare --install` does: `host remove --purge` takes it back.
 * @param onChange told of each change as it begins
 * @returns what stands in the way of the rest, a sentence each
 * @throws LabError if a package can't be installed
 */
export async function installOnHost(host: Host, onChange: (title: string) => void): Promise<string[]> {
  const [survey, comesBuilt] = await Promise.all([surveyHost(host), takesBuilds(host)]);
  const { changes, advice } = await planFor(
    host,
    { purposes: comesBuilt ? ['run'] : ['run', 'build'], install: true },
    { ...survey, missing: survey.missing.filter(({ kind }) => kind !== 'kernel headers'), obstacles: [] },
  );
  const packages = changes.filter(({ installs }) => installs !== undefined);
  if (packages.length === 0) return advice;
  const before = changes.filter(({ id }) => id === 'folder');
  await prepareHost(host, [...before, ...packages], ({ title }) => onChange(title));
  return advice;
}

/** Whether what this machine builds runs there; if not, the host builds for itself, as this machine does. */
async function takesBuilds(host: Host): Promise<boolean> {
  if (host.isHere) return false;
  const toolchain = await findToolchain();
  return toolchain !== undefined && runsOn(host, toolchain);
}

async function surveyed(survey: Survey): Promise<Check[]> {
  const { clock, manager, missing, node, obstacles, kernel } = survey;
  const hasNode = node !== undefined && (await isNodeFor(node));
  const headers = missing.find(({ kind }) => kind === 'kernel headers');
  const ahead = `${(clock.ahead / 1000).toFixed(3)} s ahead`;
  return [
    {
      name: 'node for native',
      fine: hasNode,
      detail: `${node ?? 'none'}${hasNode ? '' : `; it needs ${await nodeWanted()}`}`,
    },
    {
      name: 'headers for modules',
      fine: headers === undefined,
      detail: headers === undefined ? `of ${kernel}` : withoutHeaders(headers, survey),
    },
    { name: 'package manager', fine: manager !== undefined, detail: manager ?? 'none known to aoe-lab' },
    {
      name: 'filters',
      fine: obstacles.length === 0,
      detail:
        obstacles.length === 0
          ? 'let AoE pass'
          : `${obstacles.map(({ tool, chain, why }) => `${tool} ${chain.join(' ')}: ${why}`).join('; ')}: aoe-lab host prepare opens them`,
    },
    { name: 'clock', fine: Math.abs(clock.ahead) - clock.uncertainty <= CLOCK_TOLERANCE, detail: ahead },
  ];
}

function withoutHeaders(need: Need, { manager, kernel }: Survey): string {
  const brought = manager === undefined ? undefined : packageFor(need, manager, kernel);
  const there = brought === undefined ? '' : `; ${brought} would bring them`;
  return `none of ${kernel}: modules are built here then, for kernels of Debian's only${there}`;
}

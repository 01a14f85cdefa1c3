/** Whether what a plan would make can be made of its files: room, rights, who uses them. No I/O. */
import { LabError, UsageError } from '../../base/errors.js';
import { type ExportEntry, exportId } from '../../serve/exports/entry.js';
import { tellRoom } from '../../serve/exports/room.js';
import {
  absolute,
  judgeExport,
  type StorageSurvey,
  type Suitability,
} from '../../serve/exports/suitability.js';
import type { LabPlan } from './actions.js';
import { groupBy } from './group.js';
import type { LabExport } from './lab.js';
import { specOf } from './spec.js';

/** What a host says of what a plan needs there. */
export interface Readiness {
  storage: StorageSurvey;
  entries: readonly ExportEntry[];
}

/** Takes out of a plan what would fail, and tells why. */
export function judgePlan(plan: LabPlan, hosts: ReadonlyMap<string, Readiness>): LabPlan {
  const troubles: LabPlan['troubles'] = [];
  const warnings: LabPlan['warnings'] = [];
  const failed = new Set<object>();
  for (const [host, actions] of groupBy(plan.actions, (action) => action.host)) {
    const readiness = hosts.get(host);
    if (readiness === undefined) continue;
    const goes = new Set(
      actions.filter(({ kind }) => kind === 'delete' || kind === 'replace').map(({ id }) => id),
    );
    const stays = readiness.entries.filter((entry) => !goes.has(exportId(entry)));
    const planned: ExportEntry[] = [];
    for (const action of actions) {
      if (action.kind !== 'create' && action.kind !== 'replace') continue;
      const { id } = action;
      try {
        const one = withPlannedSize(action.export, readiness.storage, planned);
        const judged = judgeMaking(plan.lab, readiness.storage, stays, one);
        const made = asEntry(one, judged);
        stays.push(made);
        planned.push(made);
        const told = [...judged.overridden.map(({ text }) => `overridden: ${text}`), ...judged.warnings];
        warnings.push(...told.map((text) => ({ host, id, text })));
      } catch (error) {
        if (!(error instanceof LabError)) throw error;
        const { happened, next } = error.facts;
        failed.add(action);
        const file = action.export.file;
        troubles.push({
          host,
          id,
          happened: error instanceof UsageError ? `${file}: ${happened}` : happened,
          next: next === undefined || typeof next === 'string' ? (next ?? null) : next.join('; '),
        });
      }
    }
  }
  return {
    ...plan,
    actions: plan.actions.filter((action) => !failed.has(action)),
    troubles: [...plan.troubles, ...troubles],
    warnings: [...plan.warnings, ...warnings],
  };
}

/** A file that an export before it makes is there when its turn comes. */
function withPlannedSize(one: LabExport, survey: StorageSurvey, planned: readonly ExportEntry[]): LabExport {
  if (one.size !== undefined) return one;
  const name = absolute(one.file, survey.cwd);
  if (survey.snapshot.names.get(name)?.node !== undefined) return one;
  const maker = planned.find(({ backing }) => backing.name === name);
  return maker === undefined ? one : { ...one, size: maker.backing.size };
}

/** @param stays exports of the host that are there besides @throws UsageError as `judgeExport` */
export function judgeMaking(
  lab: string,
  storage: StorageSurvey,
  stays: readonly ExportEntry[],
  one: LabExport,
): Suitability {
  const judged = judgeExport(storage, stays, one, specOf({ name: lab }, one));
  return {
    ...judged,
    warnings: [...judged.warnings, ...tellRoom(storage.snapshot, stays, one, judged.backing)],
  };
}

/** As far as it matters to others of the same file. */
function asEntry(one: LabExport, { backing }: Suitability): ExportEntry {
  const { name, path, opens = name, kind, size, identity = null } = backing;
  return {
    ...one,
    ...one.address,
    backing: { name, path, opens, kind, size, identity, made: false, loop: false, loopsBefore: [] },
  } as unknown as ExportEntry;
}

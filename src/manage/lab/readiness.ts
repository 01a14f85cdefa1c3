/** Whether what a plan would make can be made of its files: room, rights, who uses them. No I/O. */
import { LabError, UsageError } from '../../base/errors.js';
import { unwantedAmong } from '../../serve/exports/able.js';
import { type ExportEntry, exportId, isWanted } from '../../serve/exports/entry.js';
import { programName } from '../../serve/exports/program.js';
import { tellRoom } from '../../serve/exports/room.js';
import {
  absolute,
  judgeExport,
  type StorageSurvey,
  type Suitability,
} from '../../serve/exports/suitability.js';
import type { Action, LabPlan } from './actions.js';
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
    const there = readiness.entries.filter((entry) => !goes.has(exportId(entry)));
    const stays = [...there];
    const planned: ExportEntry[] = [];
    for (const action of actions) {
      if (action.kind === 'delete') continue;
      const { id } = action;
      try {
        requireOthersWanted(readiness.storage, there, action);
        if (action.kind === 'restart') continue;
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

/**
 * A daemon that is started, or told of one more export, opens the files of all of its own by their names.
 * @param there exports of the host that the plan leaves there
 * @throws LabError naming another one whose name means what is not to be served
 */
function requireOthersWanted(
  storage: StorageSurvey,
  there: readonly ExportEntry[],
  { id, kind, export: one }: Exclude<Action, { kind: 'delete' }>,
): void {
  const own = there.find((entry) => exportId(entry) === id);
  const isSibling =
    own === undefined
      ? (entry: ExportEntry) => isOfDaemonFor(entry, one)
      : (entry: ExportEntry) => entry !== own && programName(entry) === programName(own);
  const members = there.filter(
    (entry) => entry.control.shape === 'daemon' && isWanted(entry) && isSibling(entry),
  );
  const { changed } = unwantedAmong(storage, there, members);
  if (changed === undefined) return;
  const { next } = changed.facts;
  throw new LabError({
    tried: `planning ${id}`,
    happened: [
      kind === 'restart'
        ? 'its target serves others as well, and is not restarted'
        : 'its target has other exports, which it would serve as well',
      ...changed.why,
    ],
    ...(next === undefined ? {} : { next }),
  });
}

/** Which build will serve an export is not known before it is made. */
function isOfDaemonFor(
  entry: ExportEntry,
  { implementation, release, netns, persist = false }: LabExport,
): boolean {
  return (
    entry.implementation === implementation &&
    (release === undefined || entry.release === release) &&
    entry.netns === netns &&
    (entry.persist ?? false) === persist
  );
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

/** Whether what a spec names may be exported: the one place where that is decided, for `export`, `plan` and `apply`. */
import { posix } from 'node:path';
import { UsageError } from '../../base/errors.js';
import type { Host } from '../../hosts/host/host.js';
import { SECTOR } from '../../wire/aoe/index.js';
import { type Backing, type BackingSpec, judgeBacking, plainName } from '../storage/backing.js';
import type { Finding, FindingKind } from '../storage/findings.js';
import { extentOf, sharers, usersOf } from '../storage/in-use.js';
import type { StorageSnapshot } from '../storage/snapshot.js';
import { surveyStorage } from '../storage/survey.js';
import { claimsOf, isSecondWay, stretchOf } from './claims.js';
import { type EntryStore, type ExportEntry, exportId } from './entry.js';
import { kernelNames, loopsIn, ownLoops } from './loops.js';
import { findProcesses } from './processes.js';
import type { Served } from './served.js';
import type { ExportSpec } from './spec.js';

/** What a host says of its storage, and what of that is ours. */
export interface StorageSurvey {
  snapshot: StorageSnapshot;
  /** Folder that relative names are meant in. */
  cwd: string;
  /** Processes that serve exports of ours. */
  ours: ReadonlySet<number>;
  /** Loop devices of all exports of ours, those that are about to go too, by kernel name. */
  ourLoops: ReadonlySet<string>;
}

/** @param paths as users typed them */
export async function surveyFor(store: EntryStore, paths: readonly string[]): Promise<StorageSurvey> {
  const { host } = store;
  const entries = await store.all();
  const cwd = await workingFolder(host, paths);
  const names = [...paths.map((path) => absolute(path, cwd)), ...entries.map(({ backing }) => backing.name)];
  const [snapshot, processes] = await Promise.all([
    surveyStorage(host, names),
    findProcesses(host, store.folder),
  ]);
  // What this very process has open, such as the file of a test, it does not keep itself from.
  const own = host.isHere ? [process.pid] : [];
  const attached = loopsIn(snapshot);
  const loops = await Promise.all(entries.map((entry) => ownLoops(store, entry, async () => attached)));
  return {
    snapshot,
    cwd,
    ours: new Set([...own, ...[...processes.values()].flat()]),
    ourLoops: kernelNames(loops.flat()),
  };
}

/** Relative names are meant in the folder that commands run in. */
async function workingFolder(host: Host, paths: readonly string[]): Promise<string> {
  if (host.isHere) return process.cwd();
  if (paths.every((path) => posix.isAbsolute(path))) return '/';
  return (await host.run(['pwd'])).stdout.replace(/\n$/, '');
}

export function absolute(path: string, cwd: string): string {
  return plainName(posix.isAbsolute(path) ? path : posix.join(cwd, path));
}

/** What a spec asks for, as far as that matters here; a lab's export is one as well. */
export type StorageSpec = Pick<
  ExportSpec,
  'shelf' | 'slot' | 'netns' | 'path' | 'size' | 'options' | 'allow' | 'lab'
>;

export interface Suitability {
  backing: Backing;
  overridden: Finding[];
  warnings: string[];
}

/**
 * @param entries exports of the host that stay
 * @throws UsageError with all that speaks against it and was not overridden
 */
export function judgeExport(
  survey: StorageSurvey,
  entries: readonly ExportEntry[],
  served: Pick<Served, 'implementation'>,
  spec: StorageSpec,
): Suitability {
  const { backing, found, warnings } = examineExport(survey, entries, served, spec);
  const open = found.filter(({ kind }) => !isAllowed(kind, spec.allow));
  if (open.length > 0) throw refusal(absolute(spec.path, survey.cwd), open, spec);
  return { backing, overridden: found, warnings };
}

/**
 * All that speaks against an export and may be overridden.
 * @throws UsageError with what may not
 */
export function examineExport(
  survey: StorageSurvey,
  entries: readonly ExportEntry[],
  served: Pick<Served, 'implementation'>,
  spec: StorageSpec,
): { backing: Backing; found: Finding[]; warnings: string[] } {
  const name = absolute(spec.path, survey.cwd);
  const { backing, findings, warnings } = judgeBacking(survey.snapshot, name, backingSpec(spec));
  const found = [...findings, ...usersFound(survey, entries, served, spec, backing)];
  return { backing, found, warnings };
}

/** Who uses what a spec names: exports of ours, and all others. */
export function usersFound(
  { snapshot, cwd, ours, ourLoops }: StorageSurvey,
  entries: readonly ExportEntry[],
  served: Pick<Served, 'implementation'>,
  spec: StorageSpec,
  { size, path }: Pick<Backing, 'size' | 'path'>,
): Finding[] {
  const name = absolute(spec.path, cwd);
  const { readOnly = false, offset = 0, length } = spec.options;
  const facts = snapshot.names.get(name);
  const from = offset * SECTOR;
  const to = length === undefined ? size : from + length * SECTOR;
  const extent = facts && extentOf(snapshot, facts, from, to);
  const others = entries.filter((entry) => !isSecondWay(entry, { ...spec, ...served }, name));
  if (facts === undefined || extent === undefined) {
    // It is still to be made: only its name can be that of another.
    const meant = others.filter(({ backing }) => backing.name === name || backing.path === path);
    return meant.filter((entry) => isCrossed(stretchOf(entry), { from, to })).map(exported);
  }
  const claims = others.flatMap((entry) => claimsOf(snapshot, entry));
  return [...sharers(extent, readOnly, claims), ...usersOf(snapshot, facts, extent, ours, ourLoops)];
}

interface Stretch {
  /** Bytes. */
  from: number;
  to: number;
}

function isCrossed(one: Stretch, other: Stretch): boolean {
  return one.from < other.to && other.from < one.to;
}

/** That an export has what is asked about. */
export function exported(entry: ExportEntry): Finding {
  return { kind: 'exported', text: `it is exported as ${exportId(entry)}` };
}

function backingSpec(spec: StorageSpec): BackingSpec {
  const { readOnly, offset, length } = spec.options;
  return {
    size: spec.size,
    readOnly,
    offset,
    length,
    ...(spec.lab === undefined ? {} : { called: (option) => `${option}:` }),
  };
}

/** An entry that tells what was overridden for it. */
export function withAllowed(
  entry: ExportEntry,
  found: readonly Finding[],
  before: readonly FindingKind[] = [],
): ExportEntry {
  const { allowed: _, ...rest } = entry;
  const allowed = [...new Set([...before, ...found.map(({ kind }) => kind)])];
  return allowed.length === 0 ? rest : { ...rest, allowed };
}

export function isAllowed(kind: FindingKind, allow: StorageSpec['allow']): boolean {
  return allow === true || (allow?.includes(kind) ?? false);
}

function refusal(name: string, found: readonly Finding[], { lab }: StorageSpec): UsageError {
  const kinds = [...new Set(found.map(({ kind }) => kind))].join(',');
  const steps = found.flatMap(({ next = [] }) => next);
  const why = found.every(({ kind }) => kind === 'container') ? '' : ': two writers destroy a file system';
  const override = lab === undefined ? `--allow ${kinds}` : `allow: [${kinds.replaceAll(',', ', ')}]`;
  return new UsageError({
    tried: `exporting ${name}`,
    happened: found.map(({ text }) => text),
    next: [
      ...(steps.length > 0 ? steps : ['release it first']),
      `or export it all the same by ${override}${why}`,
    ],
  });
}

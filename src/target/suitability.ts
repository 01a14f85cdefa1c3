/** Whether what a spec names may be exported: the one place where that is decided, for `export`, `plan` and `apply`. */
import { posix } from 'node:path';
import { formatAddress } from '../aoe/index.js';
import { UsageError } from '../errors.js';
import type { Host } from '../host/host.js';
import { type Backing, type BackingSpec, judgeBacking, plainName, SECTOR } from '../storage/backing.js';
import type { Finding, FindingKind } from '../storage/findings.js';
import { type Claim, extentOf, sharers, usersOf } from '../storage/in-use.js';
import { fileExtent } from '../storage/regions.js';
import type { StorageSnapshot } from '../storage/snapshot.js';
import { surveyStorage } from '../storage/survey.js';
import { type EntryStore, type ExportEntry, exportId, sectorsOf } from './entry.js';
import { kernelNames, loopsIn, ownLoops } from './loops.js';
import type { Served } from './plan.js';
import { findProcesses } from './processes.js';
import type { ExportWish } from './wish.js';

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
  ExportWish,
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
  const { snapshot, cwd, ours } = survey;
  const name = absolute(spec.path, cwd);
  const { readOnly = false, offset = 0, length } = spec.options;
  const { backing, findings, warnings } = judgeBacking(snapshot, name, backingSpec(spec));
  const found = [...findings];
  const facts = snapshot.names.get(name);
  const from = offset * SECTOR;
  const to = length === undefined ? backing.size : from + length * SECTOR;
  const extent = facts && extentOf(snapshot, facts, from, to);
  const others = entries.filter((entry) => !isSecondWay(entry, served, spec, name));
  if (extent === undefined) {
    // It is still to be made: only its name can be that of another.
    found.push(
      ...others
        .filter(({ backing: { name: other, path } }) => other === name || path === backing.path)
        .map(exported),
    );
  } else {
    const claims = others.flatMap((entry) => claimOf(snapshot, entry));
    found.push(...sharers(extent, readOnly, claims));
    found.push(...usersOf(snapshot, facts as NonNullable<typeof facts>, extent, ours, survey.ourLoops));
  }
  const open = found.filter(({ kind }) => !isAllowed(kind, spec.allow));
  if (open.length > 0) throw refusal(name, open, spec);
  return { backing, overridden: found, warnings };
}

function exported(entry: ExportEntry): Finding {
  return { kind: 'exported', text: `it is exported as ${exportId(entry)}` };
}

/** Another interface to the same disk: the same address, file and slice, by the same daemon. */
function isSecondWay(
  entry: ExportEntry,
  served: Pick<Served, 'implementation'>,
  spec: StorageSpec,
  name: string,
): boolean {
  return (
    entry.implementation === served.implementation &&
    entry.netns === spec.netns &&
    formatAddress(entry) === formatAddress(spec) &&
    (entry.backing.name === name || entry.backing.opens === name) &&
    (entry.options.offset ?? 0) === (spec.options.offset ?? 0) &&
    entry.options.length === spec.options.length
  );
}

/** What an export serves, by what its name means now and by what it meant when it was exported. */
function claimOf(snapshot: StorageSnapshot, entry: ExportEntry): Claim[] {
  const { backing, options } = entry;
  const from = (options.offset ?? 0) * SECTOR;
  const to = from + sectorsOf(entry) * SECTOR;
  const readOnly = options.readOnly ?? false;
  const id = exportId(entry);
  const facts = snapshot.names.get(backing.name);
  const now = facts && extentOf(snapshot, facts, from, to);
  const { identity } = backing;
  const then = identity?.kind === 'file' ? fileExtent(identity, from, to) : undefined;
  return [now, then].flatMap((extent) => (extent === undefined ? [] : [{ id, extent, readOnly }]));
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

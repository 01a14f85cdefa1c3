/** Whether an export can be served now, and may be; asked before anything that runs is stopped. */
import { type ErrorFacts, LabError, linesOf, MissingError, UsageError } from '../../base/errors.js';
import type { InterfaceFacts } from '../../hosts/host/interface-facts.js';
import { quoteArgv } from '../../hosts/host/quote.js';
import type { Finding, FindingKind } from '../storage/findings.js';
import { type BlockFacts, type StorageSnapshot, sameFile } from '../storage/snapshot.js';
import { factLines, type Refreshed, refreshed, surveyNames, UnwantedError } from './backing-now.js';
import { linkDisk } from './disk-link.js';
import { driverFor, markedSo } from './drivers.js';
import { type EntryStore, type ExportEntry, exportId, isSameExport, isWanted, without } from './entry.js';
import { requireOwn } from './export-interface.js';
import { requireKept } from './last-holder.js';
import type { Network } from './network.js';
import { allOpenedBy, deletedFilesOf, keyOf } from './opened.js';
import { findProcesses } from './processes.js';
import { requireSameNetwork } from './same-network.js';
import {
  examineExport,
  type StorageSpec,
  type StorageSurvey,
  surveyFor,
  usersFound,
  withAllowed,
} from './suitability.js';

/** Where exports are started again; looked at once for all that have one target. */
export interface RestartPlace {
  store: EntryStore;
  network: Network;
  /** What their names mean now. */
  snapshot: () => Promise<StorageSnapshot>;
}

/** What is served all the same: `other-disk` of one that has the name of the disk that was exported. */
export type Allowance = true | readonly (FindingKind | 'other-disk')[];

/**
 * @returns the entry as its name is meant now, not written yet
 * @throws MissingError, UsageError as `requireInterface`
 * @throws LabError if its file or device is not there, or is another one than its name meant
 */
export async function requireAble(
  { store, network, snapshot }: RestartPlace,
  entry: ExportEntry,
  allow: Allowance,
): Promise<Refreshed & { iface: InterfaceFacts }> {
  const iface = await requireOwn(store.host, entry, (netns) => network.interfaces(netns));
  const evenOther = allow === true || allow.includes('other-disk');
  const now = refreshed(await snapshot(), entry, evenOther);
  if (!(now instanceof LabError)) return { iface, ...now };
  throw now instanceof UnwantedError
    ? unwanted(entry, now.facts)
    : new LabError(notStarted(entry, now.facts));
}

/**
 * Asks anew who uses what the name of an entry means now, as when it was exported. Where that is another file or disk than
 * before, all that an export is refused for counts; otherwise who came to use it while nobody served it.
 * @param others exports as they are to be served beside it
 * @returns the entry with what was overridden for it
 * @throws UnwantedError naming what speaks against it, unless that is allowed here, or was of the same file or disk when it
 *   was exported
 */
export function requireUnused(
  survey: StorageSurvey,
  others: readonly ExportEntry[],
  { entry, change }: Refreshed,
  allow: Allowance,
): ExportEntry {
  const found = change === undefined ? usersNow(survey, others, entry) : findingsNow(survey, others, entry);
  const open = found.filter(({ kind }) => allow !== true && !allow.includes(kind));
  if (open.length === 0) return withAllowed(entry, found, change === undefined ? entry.allowed : []);
  const id = exportId(entry);
  const names = [...new Set(open.map(({ kind }) => kind))].join(',');
  throw unwanted(entry, {
    happened: [...(change === undefined ? [] : [change]), ...open.map(({ text }) => text)],
    next: [
      ...open.flatMap(({ next = [] }) => next),
      'release it first',
      `or serve it all the same by aoe-lab restart ${id} --allow ${names}: two writers destroy a file system`,
    ],
  });
}

function usersNow(survey: StorageSurvey, others: readonly ExportEntry[], entry: ExportEntry): Finding[] {
  const { backing, allowed = [] } = entry;
  const found = usersFound(survey, others, entry, specOf(entry), backing);
  return found.filter(({ kind }) => !allowed.includes(kind));
}

/** @throws UnwantedError for what can't be overridden either */
function findingsNow(survey: StorageSurvey, others: readonly ExportEntry[], entry: ExportEntry): Finding[] {
  try {
    return examineExport(survey, others, entry, specOf(entry)).found;
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    throw unwanted(entry, error.facts);
  }
}

function specOf({ shelf, slot, netns, backing, options }: ExportEntry): StorageSpec {
  return { shelf, slot, ...(netns === undefined ? {} : { netns }), path: backing.name, options };
}

type Objection = Pick<ErrorFacts, 'happened' | 'next'>;

function unwanted(entry: ExportEntry, objection: Objection): UnwantedError {
  return new UnwantedError(notStarted(entry, objection), factLines(objection.happened));
}

function notStarted(entry: ExportEntry, { happened, next = [] }: Objection): ErrorFacts {
  const lines = factLines(happened);
  return {
    tried: `restarting ${exportId(entry)}`,
    happened: [...lines.slice(0, -1), `${lines.at(-1)}; nothing was stopped for it`],
    next: [
      ...(typeof next === 'string' ? [next] : next),
      `or end the export: aoe-lab unexport ${exportId(entry)}`,
    ],
  };
}

/**
 * Has a program that comes to serve an export serve nothing else but what it may: where it starts, and at some changes, it
 * opens all its files by their names.
 * @param survey asked for only where it has other exports
 * @throws LabError naming an export whose name means what is not to be served
 */
export async function requireNoneUnwanted(
  store: EntryStore,
  entry: ExportEntry,
  survey: () => Promise<StorageSurvey>,
): Promise<void> {
  // A module is told of each export by itself.
  if (entry.control.shape !== 'daemon') return;
  const mark = driverFor(store, entry).mark(entry);
  const all = await store.all();
  const members = markedSo(store, without(all, entry), mark).filter(isWanted);
  if (members.length === 0) return;
  let asked: Promise<Map<string, number[]>> | undefined;
  const pids = async (): Promise<number[]> => {
    asked ??= findProcesses(store.host, store.folder);
    return (await asked).get(mark) ?? [];
  };
  if (entry.netns === undefined) await requireSameNetwork(store, entry, await pids());
  const seen = await survey();
  const { changed, used } = unwantedAmong(seen, all, members);
  // One that runs goes on with what it has.
  const found = changed ?? (used === undefined || (await pids()).length > 0 ? undefined : used);
  const tried = `exporting ${exportId(entry)}`;
  if (found === undefined) {
    if (mayReopen(entry) && (await pids()).length > 0)
      await requireKept(store, tried, members, seen.snapshot);
    return;
  }
  const {
    why,
    facts: { next },
  } = found;
  throw new LabError({
    tried,
    happened: ['its target has other exports, which it would serve as well', ...why],
    ...(next === undefined ? {} : { next }),
  });
}

/**
 * What speaks against it that a program opens anew what some exports mean now: that is something else, or somebody has come to
 * use it. No I/O.
 * @param all of the host
 */
export function unwantedAmong(
  survey: StorageSurvey,
  all: readonly ExportEntry[],
  members: readonly ExportEntry[],
): { changed?: UnwantedError; used?: UnwantedError } {
  const asked = members.map((member) => refreshed(survey.snapshot, member));
  const strange = asked.find((one) => one instanceof UnwantedError);
  if (strange !== undefined) return { changed: strange };
  // One whose disk is away is waited for, and holds up no other.
  const now = asked.flatMap((one) => (one instanceof LabError ? [] : [one]));
  const beside = withRefreshed(all, now);
  const found: { error: UnwantedError; isChanged: boolean }[] = [];
  for (const one of now) {
    try {
      requireUnused(survey, without(beside, one.entry), one, []);
    } catch (error) {
      if (!(error instanceof UnwantedError)) throw error;
      found.push({ error, isChanged: one.change !== undefined });
    }
  }
  const changed = found.find(({ isChanged }) => isChanged)?.error;
  if (changed !== undefined) return { changed };
  const used = found[0]?.error;
  return used === undefined ? {} : { used };
}

/** Exports as they are to be served, some of them refreshed. */
export function withRefreshed(all: readonly ExportEntry[], now: readonly Refreshed[]): ExportEntry[] {
  return all.map((one) => now.find(({ entry }) => isSameExport(entry, one))?.entry ?? one);
}

/**
 * One entry as it is to be served now, written; the link to its disk is set where it has one.
 * @throws LabError if its name means nothing, another disk, or something else that is in use
 */
export async function refreshOne(store: EntryStore, entry: ExportEntry): Promise<ExportEntry> {
  const now = refreshed(await surveyNames(store, [entry]), entry);
  if (now instanceof Error) throw now;
  const current =
    now.change === undefined
      ? now.entry
      : requireUnused(await surveyFor(store, []), without(await store.all(), entry), now, []);
  await store.write(current);
  await linkDisk(store, current);
  return current;
}

/** Whether a daemon that runs may open all its files anew for a further export: others are told of that one, and keep theirs. */
function mayReopen({ control, persist }: ExportEntry): boolean {
  return control.shape === 'daemon' && (persist === true || control.change.by !== 'signal');
}

/**
 * To be asked where not all exports of a program could be served again: a file that was deleted is kept by the program that
 * has it open, and by nothing else.
 * @param givenUp names whose former files the user was told of, and gives up
 * @throws LabError if the program of an entry has such a one
 */
export async function requireNothingLost(
  store: EntryStore,
  entry: ExportEntry,
  givenUp: readonly string[],
): Promise<void> {
  const { host, folder } = store;
  const pids = (await findProcesses(host, folder)).get(driverFor(store, entry).mark(entry)) ?? [];
  const logs = store.logPath('').replace(/[^/]*$/, '');
  const deleted = await deletedFilesOf(host, pids);
  const files = deleted.filter(({ name }) => !name.startsWith(logs) && !givenUp.includes(name));
  if (files.length === 0) return;
  const names = files.map(({ name }) => name).join(' and ');
  throw new LabError({
    tried: `restarting ${exportId(entry)}`,
    happened: `its target has ${names} open, which ${files.length === 1 ? 'was' : 'were'} deleted: what initiators wrote there is lost when that target ends`,
    next: [
      ...files.map(({ at, name }) => `copy it: ${quoteArgv(['cp', at, `${name}.saved`])}`),
      'then restart the export of that file by name, or end it by aoe-lab unexport',
    ],
  });
}

/**
 * To be asked where not all exports of a daemon could be served again: one whose name is gone is served as long as the daemon
 * has its file or disk open, and would not come back.
 * @param lacking exports that could not be served again
 * @throws LabError if the program of an entry has that of one open
 */
export async function requireNoneStranded(
  { store, snapshot }: Pick<RestartPlace, 'store' | 'snapshot'>,
  entry: ExportEntry,
  lacking: readonly ExportEntry[],
): Promise<void> {
  const seen = await snapshot();
  const nameless = lacking.filter(
    (one) => one.held === undefined && refreshed(seen, one) instanceof LabError,
  );
  if (nameless.length === 0) return;
  const { host, folder } = store;
  const pids = (await findProcesses(host, folder)).get(driverFor(store, entry).mark(entry)) ?? [];
  const opened = await allOpenedBy(host, pids);
  const stranded = nameless.find((one) =>
    opensOf(seen, one).some((key) => opened.some(({ files, devices }) => files.has(key) || devices.has(key))),
  );
  if (stranded === undefined) return;
  const id = exportId(stranded);
  throw new LabError({
    tried: `restarting ${exportId(entry)}`,
    happened: `its target serves ${id} as well, from what ${stranded.backing.name} meant and means no more: that could not come back; nothing was stopped`,
    next: [
      `bring ${stranded.backing.name} back: aoe-lab status says where it is`,
      `or end that export: ${quoteArgv(['aoe-lab', 'unexport', id])}`,
    ],
  });
}

/** What a program has open that serves what the name of an entry meant, as `Opened` has it. */
function opensOf({ blocks }: StorageSnapshot, { backing: { identity, loop } }: ExportEntry): string[] {
  if (identity === null) return [];
  if (identity.kind === 'file' && !loop) return [keyOf(identity)];
  const isIt = (block: BlockFacts): boolean =>
    identity.kind === 'file' ? sameFile(block.loop?.id, identity) : block.name === identity.block;
  return [...blocks.values()].filter(isIt).map(({ number }) => number);
}

/** The same error of an export, where it is another of its target's that speaks against both. */
export function becauseOf(entry: ExportEntry, error: unknown): unknown {
  if (!(error instanceof LabError) || isOf(entry, error)) return error;
  if (!error.facts.tried.startsWith('restarting ')) return error;
  const [first = ''] = linesOf(error.facts.happened);
  return new LabError({
    tried: `restarting ${exportId(entry)}`,
    happened: `one target serves it and others, and is not restarted: ${error.facts.tried}: ${first}`,
    ...(error.facts.next === undefined ? {} : { next: error.facts.next }),
    cause: error,
  });
}

/** The same error with the name of the export: of several, each has to be told from the others. */
export function namingExport(entry: ExportEntry, error: unknown): Error {
  if (!(error instanceof LabError) || isOf(entry, error)) return error as Error;
  const facts = { ...error.facts, tried: `restarting ${exportId(entry)}: ${error.facts.tried}` };
  if (error instanceof MissingError) return new MissingError({ ...facts, missing: error.missing });
  return error instanceof UsageError ? new UsageError(facts) : new LabError(facts);
}

function isOf(entry: ExportEntry, { facts }: LabError): boolean {
  return facts.tried === `restarting ${exportId(entry)}`;
}

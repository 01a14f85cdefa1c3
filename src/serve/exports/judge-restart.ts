/** Which exports of one program can be started again, and may be. */
import type { InterfaceFacts } from '../../hosts/host/interface-facts.js';
import { quoteArgv } from '../../hosts/host/quote.js';
import type { StorageSnapshot } from '../storage/snapshot.js';
import { type Allowance, requireAble, requireUnused, withRefreshed } from './able.js';
import { type Refreshed, UnwantedError } from './backing-now.js';
import { isSecondWay } from './claims.js';
import { driverFor } from './drivers.js';
import { type EntryStore, type ExportEntry, exportId, isSameExport, without } from './entry.js';
import { requireOwnAddress, withNetwork } from './rivals.js';
import { requireSameNetwork } from './same-network.js';
import { surveyFor } from './suitability.js';

/** An export as it is to be served now, and as it was. */
export type Judged = Refreshed & { iface: InterfaceFacts; before: ExportEntry };

export interface Judging {
  /** Of their names, and of what they run from. */
  snapshot: () => Promise<StorageSnapshot>;
  chosen: readonly ExportEntry[];
  allow: Allowance;
  fail: (entry: ExportEntry, error: unknown) => void;
}

export interface GroupJudgement {
  /** Those that can be served. */
  judged: Judged[];
  /** Those that their daemon has to be started without; nobody serves them now. */
  held: { entry: ExportEntry; why: string }[];
}

/**
 * Which exports of one program can be started again, and may be; changes nothing.
 * @throws UnwantedError where one that is served now could not come back, as the program would serve what it may not
 * @throws LabError if the program runs in another network than this command
 */
export async function judgeGroup(
  store: EntryStore,
  members: readonly ExportEntry[],
  { snapshot, chosen, allow, fail }: Judging,
): Promise<GroupJudgement> {
  const isChosen = (entry: ExportEntry): boolean => chosen.some((one) => isSameExport(one, entry));
  const allowed = (entry: ExportEntry): Allowance => (isChosen(entry) ? allow : []);
  const judged: Judged[] = [];
  const unwanted: { entry: ExportEntry; error: UnwantedError }[] = [];
  let isRunning = true;
  const refuse = (entry: ExportEntry, error: unknown): void => {
    fail(entry, error);
    if (error instanceof UnwantedError) unwanted.push({ entry, error });
  };
  await withNetwork(store, async (network, processes) => {
    const [first] = members;
    const pids = first && (await processes()).get(driverFor(store, first).mark(first));
    isRunning = first === undefined || pids !== undefined;
    if (first !== undefined && pids !== undefined) await requireSameNetwork(store, first, pids);
    const place = { store, network, snapshot };
    const found: Judged[] = [];
    for (const before of members) {
      try {
        found.push({ before, ...(await requireAble(place, before, allowed(before))) });
      } catch (error) {
        refuse(before, error);
      }
    }
    const judge = await judgeUse(store, found, { chosen, processes, allowed });
    for (const one of found) {
      try {
        const entry = judge(one);
        await requireOwnAddress(place, entry, one.iface);
        judged.push({ ...one, entry });
      } catch (error) {
        refuse(one.before, error);
      }
    }
  });
  if (!judged.some(({ entry }) => isChosen(entry))) return { judged, held: [] };
  const served = unwanted.find(
    ({ entry }) => entry.control.shape !== 'daemon' || (isRunning && entry.held === undefined),
  );
  if (served !== undefined) throw served.error;
  const held = unwanted.map(({ entry, error }) => ({ entry, why: error.why.join('; ') }));
  return { judged, held };
}

/**
 * Looks who uses what exports are to be served from, where that may have come to be used: of those that mean something else
 * than before, and of those that nobody serves. Of those that are served it is noted that others may have the same bytes.
 * @returns the entry with that
 */
async function judgeUse(
  store: EntryStore,
  found: readonly Judged[],
  {
    chosen,
    processes,
    allowed,
  }: {
    chosen: readonly ExportEntry[];
    processes: () => Promise<ReadonlyMap<string, number[]>>;
    allowed: (entry: ExportEntry) => Allowance;
  },
): Promise<(one: Judged) => ExportEntry> {
  const isFree = async ({ entry, iface, change }: Judged): Promise<boolean> => {
    if (change !== undefined || entry.held !== undefined) return true;
    const { control, restart, persist } = entry;
    const driver = driverFor(store, entry);
    const runState = async () => (await driver.runState(entry, iface, processes)).state;
    if (control.shape === 'control-file') return (await runState()) === 'absent';
    // A supervisor alone serves nothing.
    if (control.shape === 'process' && (restart !== undefined || persist))
      return (await runState()) !== 'serving';
    return !(await processes()).has(driver.mark(entry));
  };
  const free = new Set<Judged>();
  for (const one of found) if (await isFree(one)) free.add(one);
  const isNoted = ({ before }: Judged): boolean => {
    const allow = allowed(before);
    return allow === true || allow.includes('exported');
  };
  if (free.size === 0 && !found.some(isNoted)) return ({ entry }) => entry;
  const survey = await surveyFor(store, []);
  const all = await store.all();
  const running = await processes();
  // What an export meant when it was started counts as long as something serves it.
  const beside = withRefreshed(all, found).map((entry) =>
    entry.control.shape === 'control-file' ||
    (entry.held === undefined && running.has(driverFor(store, entry).mark(entry)))
      ? entry
      : { ...entry, backing: { ...entry.backing, identity: null } },
  );
  return (one) => {
    const { before, entry } = one;
    const others = without(beside, entry);
    if (free.has(one)) {
      requireAllPaths(all, [...chosen, ...found.map((member) => member.before)], one);
      return requireUnused(survey, others, one, allowed(before));
    }
    if (!isNoted(one)) return entry;
    // What has it open is its own target.
    const { allowed: kinds = [] } = requireUnused(survey, others, one, true);
    const kept = kinds.filter((kind) => kind === 'exported' || entry.allowed?.includes(kind));
    return kept.length === 0 ? entry : { ...entry, allowed: kept };
  };
}

/** @throws UnwantedError where another interface would go on to serve the former file as the same disk */
function requireAllPaths(
  all: readonly ExportEntry[],
  restarted: readonly ExportEntry[],
  { before, change }: Judged,
): void {
  if (change === undefined) return;
  const { name } = before.backing;
  const left = without(all, before).filter(
    (other) => isSecondWay(other, before, name) && !restarted.some((one) => isSameExport(one, other)),
  );
  if (left.length === 0) return;
  const ids = [before, ...left].map(exportId);
  throw new UnwantedError({
    tried: `restarting ${exportId(before)}`,
    happened: `${change}, and ${ids.slice(1).join(' and ')}, another path to it, would go on with the former; nothing was stopped for it`,
    next: `restart them together: ${quoteArgv(['aoe-lab', 'restart', ...ids])}`,
  });
}

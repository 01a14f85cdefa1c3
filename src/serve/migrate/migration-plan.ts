import { LabError, UsageError } from '../../base/errors.js';
import { renderExpression } from '../../base/templating.js';
import type { InterfaceFacts } from '../../hosts/host/interface-facts.js';
import { quoteArgv } from '../../hosts/host/quote.js';
import { loadRecipe } from '../../make/recipe/load.js';
import { formatMac } from '../../wire/aoe/index.js';
import { AoeAnswerError, AtaAnswerError, NoAnswerError } from '../../wire/initiator/faults.js';
import { requireNoneUnwanted } from '../exports/able.js';
import { keptNow } from '../exports/access.js';
import { refreshed, surveyNames } from '../exports/backing-now.js';
import { clearCommand } from '../exports/closed.js';
import type { Preview } from '../exports/driver.js';
import { driverFor, markedSo } from '../exports/drivers.js';
import { type EntryStore, type ExportEntry, exportId, type WireState } from '../exports/entry.js';
import { requireOwn } from '../exports/export-interface.js';
import { staleAddress } from '../exports/interface-faults.js';
import { refuseFleeting } from '../exports/persist/fleeting.js';
import { previewPersistence } from '../exports/persist/preview.js';
import { refuseUnspeakable, servingFields } from '../exports/plan.js';
import { findProcesses } from '../exports/processes.js';
import { byRealNames } from '../exports/real-names.js';
import { listenAt, refuseRivals, withNetwork } from '../exports/rivals.js';
import { nameOf } from '../exports/roll-back.js';
import type { Served } from '../exports/served.js';
import { checkSpec } from '../exports/spec.js';
import { surveyFor } from '../exports/suitability.js';
import { selectEntries } from '../exports/unexport.js';
import { exportedPath, exportName } from '../exports/variables.js';
import { openVantage } from '../exports/wire.js';
import { readWireState, sessionWith } from '../exports/wire-state.js';
import { listLoops } from '../storage/loop.js';
import { identityLoss, type Told } from './identity-loss.js';
import { type Translation, translate } from './translate.js';

/** ATA/ATAPI-7, section 6.17. */
const SERIAL_LENGTH = 20;

export interface MigrationPlan {
  /** The export as it is served now. */
  old: ExportEntry;
  /** As it is to be served, in phase `moving`. */
  next: ExportEntry;
  iface: InterfaceFacts;
  /** What has to be agreed to. */
  losses: string[];
  notes: string[];
  needsLoop: boolean;
}

/**
 * Decides how an export is to move to another target; changes nothing.
 * @param name as in `unexportTargets`
 * @throws UsageError if it can't be moved, with every reason · LabError if it is not served now
 */
export async function planMigration(store: EntryStore, name: string, served: Served): Promise<MigrationPlan> {
  const { host } = store;
  const entries = await store.all();
  const [old] = selectEntries(entries, await byRealNames(host, entries, [name]));
  if (old === undefined) throw new TypeError('selectEntries returned nothing');
  const tried = `moving ${exportId(old)} from ${nameOf(old)} to ${served.implementation} ${served.release}`;
  if (old.build === served.build && old.implementation === served.implementation) {
    throw new UsageError({
      tried,
      happened: 'this very build of it serves the export',
      next: 'name another target',
    });
  }
  if (old.persist) await refuseFleeting(store, served.control, old.backing.path);
  const iface = await requireOwn(host, old);
  await requireServing(store, old, iface, tried);
  await requireAlone(store, old, iface, tried);
  await requireMeant(store, old, tried);
  const { state, identity } = await askOld(store, old, iface, tried);
  const { quirks } = await loadRecipe(served.implementation);
  const translation = translate(old, state, { ...served, quirks });
  if (translation.obstacles.length > 0) {
    throw new UsageError({
      tried,
      happened: translation.obstacles,
      next: '`aoe-lab info IMPL` shows what the other targets have',
    });
  }
  const { shelf, slot, backing, netns } = old;
  const place = {
    shelf,
    slot,
    iface: old.iface,
    path: backing.path,
    ...(netns === undefined ? {} : { netns }),
  };
  checkSpec(served.implementation, served.release, served.control, {
    ...place,
    options: translation.options,
  });
  const isSame = old.implementation === served.implementation;
  const variables = { shelf, slot, name: exportName(old).slice(0, SERIAL_LENGTH) };
  const { identity: next } = served.control;
  const tellsNext = {
    model: next?.model === undefined ? undefined : renderExpression(next.model, variables),
    serial: next?.serial === undefined ? undefined : renderExpression(next.serial, variables),
  };
  const sharing = entries.filter(
    (entry) => entry.backing.path === backing.path && exportId(entry) !== exportId(old),
  );
  const shared = sharing.map(
    (entry) =>
      `${nameOf(entry)} exports ${entry.backing.name} as ${exportId(entry)} too: writes by both are not in one order`,
  );
  const nextEntry = await composeNext(store, old, served, translation);
  refuseUnspeakable(served, nextEntry);
  await requireNoneUnwanted(store, nextEntry, () => surveyFor(store, []));
  return {
    old,
    next: nextEntry,
    iface,
    losses: [...translation.losses, ...identityLoss(identity, tellsNext, isSame), ...shared],
    notes: translation.notes,
    needsLoop: translation.needsLoop,
  };
}

/** What would be done, as a person would type it; changes nothing. */
export async function previewMigration(store: EntryStore, plan: MigrationPlan): Promise<Preview> {
  const { old, next, needsLoop } = plan;
  const driver = driverFor(store, old);
  const pids = (await findProcesses(store.host, store.folder)).get(driver.mark(old)) ?? [];
  const shared = markedSo(store, await store.all(), driver.mark(old));
  const stop = old.control.shape === 'control-file' ? undefined : old.control.stop;
  const path = needsLoop ? '/dev/loopN' : await exportedPath(store, next);
  const { commands, files } = await driverFor(store, next).preview(next, path);
  const place = next.netns === undefined ? [] : ['ip', 'netns', 'exec', next.netns];
  const { migration: _, ...moved } = next;
  const kept = next.persist ? await previewPersistence(store, moved) : { commands: [], files: [] };
  return {
    files: [...files, ...kept.files.filter((file) => files.every(({ path }) => path !== file.path))],
    commands: [
      ...kept.commands,
      stop === undefined || shared.length > 1 || old.persist
        ? ['#', `${nameOf(old)} is told to serve ${exportId(old)} no longer`]
        : ['kill', `-${stop}`, ...pids.map(String)],
      ...commands.map((command) => [...place, ...command]),
    ],
  };
}

async function composeNext(
  store: EntryStore,
  old: ExportEntry,
  served: Served,
  { options, state, needsLoop }: Translation,
): Promise<ExportEntry> {
  const { template: _, migration: __, ...kept } = old;
  const before = needsLoop ? await listLoops(store.host, old.backing.path) : [];
  return {
    ...kept,
    ...(await servingFields(served)),
    phase: 'moving',
    options,
    ...(needsLoop
      ? {
          backing: { ...old.backing, loop: true, loopsBefore: before.map(({ device }) => device) },
          bootId: (await store.host.facts()).bootId,
        }
      : {}),
    since: new Date().toISOString(),
    migration: { other: old, state },
  };
}

/** What serves it next opens its file by the name. */
async function requireMeant(store: EntryStore, old: ExportEntry, tried: string): Promise<void> {
  const now = refreshed(await surveyNames(store, [old]), old);
  if (now instanceof LabError) throw now;
  if (now.change === undefined) return;
  throw new LabError({
    tried,
    happened: `${now.change}, and the target that takes over would serve that`,
    next: `${quoteArgv(['aoe-lab', 'restart', exportId(old)])} first, which looks whether that is free`,
  });
}

async function requireServing(
  store: EntryStore,
  entry: ExportEntry,
  iface: InterfaceFacts,
  tried: string,
): Promise<void> {
  const processes = () => findProcesses(store.host, store.folder);
  const { state, fault } = await driverFor(store, entry).runState(entry, iface, processes);
  if (state === 'serving') return;
  throw new LabError({
    tried,
    happened: `it is not served now: ${fault}`,
    next: quoteArgv(['aoe-lab', 'restart', exportId(entry)]),
  });
}

/**
 * That its address is its own, and that it answers from there.
 * @throws UsageError if others answer with another disk · LabError if it answers from an address that its interface had
 */
async function requireAlone(
  store: EntryStore,
  entry: ExportEntry,
  iface: InterfaceFacts,
  tried: string,
): Promise<void> {
  await withNetwork(store, async (network) => {
    const heard = await listenAt(network, entry, iface);
    await refuseRivals(tried, { store, network }, entry, heard, true);
  });
  const processes = await findProcesses(store.host, store.folder);
  const pids = processes.get(driverFor(store, entry).mark(entry)) ?? [];
  const stale = staleAddress({ entry, pids }, iface);
  if (stale === undefined) return;
  throw new LabError({ tried, happened: stale, next: quoteArgv(['aoe-lab', 'restart', exportId(entry)]) });
}

/** What initiators have set on the old target, and what they know its disk by; null and nothing where it can't be asked. */
async function askOld(
  store: EntryStore,
  entry: ExportEntry,
  iface: InterfaceFacts,
  tried: string,
): Promise<{ state: WireState | null; identity: Told }> {
  const link = await openVantage(store.host, entry, iface);
  if (link === undefined) return { state: null, identity: {} };
  try {
    const own = formatMac(link.mac);
    const { masks = [] } = (await keptNow(store, entry)) ?? {};
    if (masks.length > 0 && !masks.includes(own)) throw shutOut(tried, entry, `leaves out ${own}`);
    const state = await readWireState(link, entry, iface).catch((error: unknown) => {
      throw error instanceof NoAnswerError ? shutOut(tried, entry, `may leave out ${own}`, error) : error;
    });
    // Others may have reserved it.
    const identity = await sessionWith(link, entry, iface)
      .identify()
      .catch((error: unknown) => {
        if (error instanceof AoeAnswerError || error instanceof AtaAnswerError) return {};
        throw error;
      });
    return { state, identity };
  } finally {
    await link.close();
  }
}

/** What can't be asked can't be tested after the move either. */
function shutOut(tried: string, entry: ExportEntry, how: string, cause?: NoAnswerError): LabError {
  const address = `e${entry.shelf}.${entry.slot}`;
  const list = `the MAC mask list that was set over the wire ${how}, from which this host asks`;
  return new LabError({
    tried,
    happened: cause === undefined ? list : [`${address} did not answer`, list],
    next: clearCommand(exportId(entry)),
    ...(cause === undefined ? {} : { cause }),
  });
}

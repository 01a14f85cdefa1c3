import { LabError, linesOf, UsageError } from '../../base/errors.js';
import type { Host } from '../../hosts/host/host.js';
import type { InterfaceFacts } from '../../hosts/host/interface-facts.js';
import { parseMac } from '../../wire/aoe/index.js';
import type { Link } from '../../wire/link/link.js';
import { driverFor } from '../exports/drivers.js';
import { EntryStore, type ExportEntry, exportId, isSameExport, type WireState } from '../exports/entry.js';
import { putArtifacts } from '../exports/export.js';
import { startedOn } from '../exports/export-interface.js';
import { collectGarbage } from '../exports/garbage.js';
import { markLog } from '../exports/log-marks.js';
import { ownLoops } from '../exports/loops.js';
import { reconcilePersistence } from '../exports/persist/reconcile.js';
import { waitUntilListening } from '../exports/ready.js';
import { type Recovery, recover } from '../exports/recover.js';
import { nameOf, rollBack } from '../exports/roll-back.js';
import type { Served } from '../exports/served.js';
import { openVantage } from '../exports/wire.js';
import { restoreWireState } from '../exports/wire-state.js';
import { Change } from './change.js';
import { type Gap, watchGap } from './gap.js';
import { type MigrationPlan, planMigration } from './migration-plan.js';
import { type Smoke, smokeTest } from './smoke.js';

export interface MigrationReport {
  id: string;
  /** "vblade 25" */
  from: string;
  to: string;
  options: ExportEntry['options'];
  /** What the new target can't do, and was agreed to. */
  losses: string[];
  notes: string[];
  /** What initiators had set and was carried over; null where that can't be known. */
  state: WireState | null;
  /** Smoke tests; null where this host has no place to ask from. */
  before: Smoke | null;
  after: Smoke | null;
  /** How long the address was not served; null likewise. */
  gap: Gap | null;
  pids: number[];
  device: string | undefined;
  log: string;
}

export interface MigrateOptions {
  /** Losses that somebody agreed to; `all` is a yes to whatever there is. */
  agreed: readonly string[] | 'all';
  onRecovery?: (recovery: Recovery) => void;
}

/**
 * Moves an export to another target, with its address and its backing file or device. Everything that can be done before
 * the old target stops is done before. If the new one does not start, does not answer or serves something else, the old
 * one gets the export back; if this process dies, the next command does that.
 * @param name as in `unexportTargets`
 * @throws UsageError if it can't be moved, or losses were not agreed to · LabError if the new target was not fit
 */
export async function migrate(
  host: Host,
  name: string,
  served: Served,
  { agreed, onRecovery = () => {} }: MigrateOptions,
): Promise<MigrationReport> {
  const store = await EntryStore.open(host);
  const lock = await store.lock();
  try {
    onRecovery(await recover(store));
    const plan = await planMigration(store, name, served);
    refuseSurprises(plan, agreed);
    // A link each: what is asked meanwhile must not be taken for an answer to the smoke tests.
    const link = await openVantage(host, plan.old, plan.iface);
    const meter = link === undefined ? undefined : await openVantage(host, plan.next, plan.iface);
    try {
      return await move(store, plan, served, { link, meter });
    } finally {
      await link?.close();
      await meter?.close();
    }
  } finally {
    await lock.release();
  }
}

async function move(
  store: EntryStore,
  plan: MigrationPlan,
  served: Served,
  { link, meter }: { link: Link | undefined; meter: Link | undefined },
): Promise<MigrationReport> {
  const { old, next, iface } = plan;
  const before = link === undefined ? null : await smokeTest(store, old, iface, link);
  await putArtifacts(store, served);
  await store.write(next);
  let gap: Gap | null = null;
  let after: Smoke | null = null;
  let pids: number[];
  try {
    const change = new Change(store, plan, link !== undefined);
    let endMeter: (() => Promise<Gap>) | undefined;
    try {
      if (next.persist) await reconcilePersistence(store, false);
      await change.prepare();
      if (meter !== undefined) endMeter = watchGap(meter, parseMac(iface.mac) ?? 0, old);
      await markLog(store, next, 'moved here');
      await change.carryOut();
      pids = await waitUntilListening(store, next, iface);
      await change.requireAnnouncement();
      if (link !== undefined) after = await confirm(store, next, iface, link);
    } finally {
      gap = (await endMeter?.()) ?? null;
      await change.close();
    }
    // With the loop device that was made for it.
    const now = (await store.all()).find((one) => isSameExport(one, next)) ?? next;
    const { migration: _, ...complete } = now;
    const moved: ExportEntry = { ...complete, phase: 'running', started: startedOn(iface, pids) };
    await store.write(moved);
    // What initiators had set is set again: from now on nothing is.
    if (moved.options.lockAccess) await driverFor(store, moved).retell?.(moved);
  } catch (error) {
    throw await rolledBack(store, next, error as Error);
  }
  if (next.persist) await reconcilePersistence(store, false);
  await collectGarbage(store);
  return {
    id: exportId(next),
    from: nameOf(old),
    to: nameOf(next),
    options: next.options,
    losses: plan.losses,
    notes: plan.notes,
    state: next.migration?.state ?? null,
    before,
    after,
    gap,
    pids,
    device: (await ownLoops(store, next))[0],
    log: driverFor(store, next).logPath(next),
  };
}

/** The new target has what initiators had set, and serves what the old one served. */
async function confirm(
  store: EntryStore,
  next: ExportEntry,
  iface: InterfaceFacts,
  link: Link,
): Promise<Smoke> {
  const state = next.migration?.state;
  // A reservation may shut this host out, so that the test comes before it.
  if (state) await restoreWireState(link, next, iface, { ...state, reservation: [] });
  const smoke = await smokeTest(store, next, iface, link);
  if (state && state.reservation.length > 0) await restoreWireState(link, next, iface, state);
  return smoke;
}

async function rolledBack(store: EntryStore, next: ExportEntry, error: Error): Promise<LabError> {
  const { to, trouble } = await rollBack(store, next);
  await collectGarbage(store);
  const reason = error instanceof LabError ? `${error.facts.tried}: ${error.facts.happened}` : error.message;
  const id = exportId(next);
  return new LabError({
    tried: `moving ${id} to ${nameOf(next)}`,
    happened: [
      ...linesOf(reason),
      ...linesOf(
        trouble === undefined ? `${to} serves it again, as before` : `it is ${to}'s again, but: ${trouble}`,
      ),
    ],
    ...(trouble === undefined ? {} : { next: `aoe-lab restart ${id}` }),
    cause: error,
  });
}

function refuseSurprises({ old, next, losses }: MigrationPlan, agreed: MigrateOptions['agreed']): void {
  const open = agreed === 'all' ? [] : losses.filter((loss) => !agreed.includes(loss));
  if (open.length === 0) return;
  throw new UsageError({
    tried: `moving ${exportId(old)} from ${nameOf(old)} to ${nameOf(next)}`,
    happened: ['this would be lost:', ...open],
    next: 'give --yes to agree to that',
  });
}

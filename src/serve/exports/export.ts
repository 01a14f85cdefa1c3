import { LabError, linesOf, UsageError } from '../../base/errors.js';
import { expectedError } from '../../base/system-errors.js';
import { surveyNetworkFiles } from '../../hosts/at-boot/survey.js';
import type { Host } from '../../hosts/host/host.js';
import type { InterfaceFacts } from '../../hosts/host/interface-facts.js';
import { SECTOR } from '../../wire/aoe/index.js';
import { notMade } from '../storage/file-size.js';
import { createFile, placeFile } from '../storage/files.js';
import type { Finding } from '../storage/findings.js';
import { requireNoneUnwanted } from './able.js';
import { type AnnouncementWatch, watchAnnouncements } from './announcement.js';
import { linkDisk } from './disk-link.js';
import { driverFor } from './drivers.js';
import { EntryStore, type ExportEntry, exportId, sectorsOf } from './entry.js';
import { requireExportable, startedOn } from './export-interface.js';
import { collectGarbage } from './garbage.js';
import { markLog } from './log-marks.js';
import { attachOwn, ownLoops } from './loops.js';
import { InterfaceLists, Network } from './network.js';
import { startLinks } from './persist/links.js';
import { serviceManager } from './persist/manager.js';
import { reconcilePersistence } from './persist/reconcile.js';
import { persistenceWarnings } from './persist/warnings.js';
import { type ExportPlan, planExport } from './plan.js';
import { findProcesses } from './processes.js';
import { requireAnnouncement, waitUntilListening, withLastWords } from './ready.js';
import { type Recovery, recover } from './recover.js';
import { rightsWarnings } from './rights-warnings.js';
import { type Heard, listenAt, refuseRivals } from './rivals.js';
import { serialOf } from './serial.js';
import type { Served } from './served.js';
import type { ExportSpec } from './spec.js';
import { absolute, isAllowed, type StorageSurvey, surveyFor, withAllowed } from './suitability.js';
import { undo } from './undo.js';

export interface ExportReport {
  id: string;
  implementation: string;
  release: string;
  shelf: number;
  slot: number;
  iface: string;
  netns: string | undefined;
  mac: string;
  /** As the user typed it, absolute. */
  file: string;
  /** Bytes of what is served. */
  size: number;
  sectors: number;
  device: string | undefined;
  pids: number[];
  log: string;
  options: ExportEntry['options'];
  /** What brings it back after a reboot, in words; null: nothing does. */
  persistence: string | null;
  /** What spoke against it, and was overridden. */
  overridden: Finding[];
  /** What the user should know. */
  warnings: string[];
  /** Why the wire was not asked whether somebody else has its address; null where it was. */
  unchecked: string | null;
}

/** An export that is asked for, and what is to serve it. */
export interface ExportOrder {
  served: Served;
  spec: ExportSpec;
}

/** How an order fared: the export it made, or why there is none. */
export type ExportOutcome = { order: ExportOrder } & (
  | { report: ExportReport; error?: undefined }
  | { report?: undefined; error: Error }
);

/**
 * Makes an export and waits until its target listens. All or nothing: if a step fails, those before it are undone; if
 * this process dies, the entry tells the next command what to undo.
 * @param onRecovery told what an earlier, killed command had left and was recovered first
 * @throws UsageError if the address is taken, the target lacks an option, or the file can't be meant
 * @throws LabError if the target does not start
 */
export async function exportTarget(
  host: Host,
  served: Served,
  spec: ExportSpec,
  onRecovery: (recovery: Recovery) => void = () => {},
): Promise<ExportReport> {
  const interfaces = new Interfaces(host);
  // Looked at first, so that a wrong name changes nothing, not even the state folder.
  await interfaces.require(spec.netns, spec.iface);
  const [outcome] = await makeAll(host, [{ served, spec }], interfaces, onRecovery);
  if (outcome?.report === undefined) throw outcome?.error ?? new TypeError('no outcome');
  return outcome.report;
}

/**
 * Makes several exports of one host, each all or nothing as `exportTarget` does; one that fails does not keep the others
 * from being made. They are started one after another and waited for together.
 * @returns an outcome an order, in their order
 * @throws LabError if the host can't be used at all: its lock is taken, its entries can't be read
 */
export async function exportTargets(
  host: Host,
  orders: readonly ExportOrder[],
  onRecovery: (recovery: Recovery) => void = () => {},
): Promise<ExportOutcome[]> {
  return makeAll(host, orders, new Interfaces(host), onRecovery);
}

async function makeAll(
  host: Host,
  orders: readonly ExportOrder[],
  interfaces: Interfaces,
  onRecovery: (recovery: Recovery) => void,
): Promise<ExportOutcome[]> {
  const store = await EntryStore.open(host);
  const lock = await store.lock();
  try {
    onRecovery(await recover(store));
    const watches = new Watches(host);
    let addresses: Addresses | undefined;
    try {
      // Asked once for all: who uses a disk is seen in every process of the host.
      const survey = await surveyFor(
        store,
        orders.map(({ spec }) => spec.path),
      );
      addresses = new Addresses(store, interfaces, survey.ours);
      // Before anything of theirs answers.
      await addresses.ask(orders);
      const begun: (() => Promise<ExportOutcome>)[] = [];
      const shared = { survey, interfaces, addresses, watches };
      for (const order of orders) begun.push(await begin(store, order, shared));
      const outcomes: ExportOutcome[] = [];
      for (const finish of begun) outcomes.push(await finish());
      if (outcomes.some(({ error }) => error !== undefined)) await collectGarbage(store);
      return outcomes;
    } finally {
      await addresses?.close();
      await watches.close();
    }
  } finally {
    await lock.release();
  }
}

/** What the orders of one command have in common. */
interface Shared {
  survey: StorageSurvey;
  interfaces: Interfaces;
  addresses: Addresses;
  watches: Watches;
}

/** Anew where an order before this one has made the file that both name. */
async function seenNow(
  store: EntryStore,
  { path }: ExportSpec,
  survey: StorageSurvey,
): Promise<StorageSurvey> {
  const name = absolute(path, survey.cwd);
  if (survey.snapshot.names.get(name)?.node !== undefined) return survey;
  const isMade = (await store.all()).some(({ backing }) => backing.made && backing.name === name);
  return isMade ? surveyFor(store, [path]) : survey;
}

/** Starts what serves an order. @returns what waits for it, writes that it runs, and tells how it fared */
async function begin(
  store: EntryStore,
  order: ExportOrder,
  { survey, interfaces, addresses, watches }: Shared,
): Promise<() => Promise<ExportOutcome>> {
  const { served, spec } = order;
  let entry: ExportEntry | undefined;
  const failed = async (error: unknown): Promise<ExportOutcome> => {
    const told = entry === undefined ? error : await withLastWords(store, entry, error);
    const trouble = entry && (await undo(store, entry, false).catch((reason: Error) => reason));
    return { order, error: trouble instanceof Error ? notUndone(told, trouble) : (told as Error) };
  };
  try {
    const iface = await interfaces.require(spec.netns, spec.iface);
    // By whichever name it is called: entries, units and configurations hold the real one.
    const seen = await seenNow(store, spec, survey);
    const plan = await planExport(store, served, { ...spec, iface: iface.name }, seen);
    const { unchecked, overridden } = await addresses.require(order, plan.entry);
    plan.overridden.push(...overridden);
    await requireNoneUnwanted(store, plan.entry, async () => seen);
    plan.entry = withAllowed(plan.entry, plan.overridden);
    await store.write(plan.entry);
    entry = plan.entry;
    await watches.open(plan.entry);
    plan.entry = entry = await makeFile(store, plan);
    await markLog(store, plan.entry, 'exported');
    await start(store, plan, served);
    return async () => {
      try {
        const pids = await waitUntilListening(store, plan.entry, iface);
        await watches.require(store, plan.entry);
        await store.write({ ...plan.entry, phase: 'running', started: startedOn(iface, pids) });
        return { order, report: { ...(await report(store, plan, iface, pids)), unchecked } };
      } catch (error) {
        return failed(error);
      }
    };
  } catch (error) {
    const outcome = await failed(error);
    return async () => outcome;
  }
}

/** An export failed, and what was done for it could not be taken back. */
function notUndone(error: unknown, trouble: Error): Error {
  const [known, why] = [expectedError(error), expectedError(trouble)];
  // A fault of aoe-lab stays one.
  if (known === undefined || why === undefined) return known === undefined ? (error as Error) : trouble;
  const { tried, happened, next = [] } = known.facts;
  return new LabError({
    tried,
    happened: [...linesOf(happened), ...linesOf(`what was done for it could not be undone: ${why.message}`)],
    next: [next, why.facts.next ?? [], 'the next command that changes exports undoes it first'].flat(),
    cause: error,
  });
}

/**
 * Makes the file where it is not there: under a name of its own, and what was made is on record before it gets its name, so
 * that whatever is removed later is that and nothing else.
 */
async function makeFile(
  store: EntryStore,
  { entry, backing: { absent }, machineId }: ExportPlan,
): Promise<ExportEntry> {
  const { backing } = entry;
  const { making, name, path, size } = backing;
  if (!absent || making === undefined) return entry;
  const madeAs = await createFile(store.host, path, making, size).catch((error: unknown) => {
    throw notMade(error, name, size);
  });
  const { dev, inode, birth, bootId } = madeAs;
  const known: ExportEntry = {
    ...entry,
    backing: { ...backing, madeAs, identity: { kind: 'file', dev, inode, birth, bootId } },
  };
  known.serial = serialOf(machineId, known);
  await store.write(known);
  await placeFile(store.host, path, making);
  const { making: _, ...whole } = known.backing;
  return { ...known, backing: whole };
}

async function start(store: EntryStore, plan: ExportPlan, served: Served): Promise<void> {
  const { entry } = plan;
  await linkDisk(store, entry);
  if (entry.persist) await reconcilePersistence(store, false);
  await startLinks(store, entry);
  if (entry.backing.loop) plan.entry = await attachOwn(store, entry);
  await putArtifacts(store, served);
  await driverFor(store, plan.entry).start(plan.entry);
}

/** Interfaces that exports are made on. */
class Interfaces {
  readonly lists: InterfaceLists;
  readonly #host: Host;

  constructor(host: Host) {
    this.#host = host;
    this.lists = new InterfaceLists(host);
  }

  /** @throws as `requireExportable` */
  async require(netns: string | undefined, iface: string): Promise<InterfaceFacts> {
    return requireExportable(this.#host.inNamespace(netns), await this.lists.of(netns), iface);
  }
}

/** Whether the addresses of orders are free: asked of the wire and of the host's processes. */
class Addresses {
  readonly #store: EntryStore;
  readonly #interfaces: Interfaces;
  readonly #network: Network;
  readonly #heard = new Map<ExportOrder, Promise<Heard>>();

  /** @param known processes of ours */
  constructor(store: EntryStore, interfaces: Interfaces, known: ReadonlySet<number>) {
    const { host, folder } = store;
    const { lists } = interfaces;
    this.#store = store;
    this.#interfaces = interfaces;
    this.#network = new Network(host, async () => (await findProcesses(host, folder)).values(), {
      known,
      lists,
    });
  }

  /** Throws nothing: `require` does. */
  async ask(orders: readonly ExportOrder[]): Promise<void> {
    for (const order of orders) this.#heard.set(order, this.#listen(order));
    await Promise.allSettled(this.#heard.values());
  }

  /**
   * @returns why the wire was not asked (null if it was), and who else answers although that was refused
   * @throws UsageError if somebody else answers, or may, unless that is overridden
   */
  async require(
    order: ExportOrder,
    entry: ExportEntry,
  ): Promise<{ unchecked: string | null; overridden: Finding[] }> {
    const heard = (await this.#heard.get(order)) as Heard;
    const { unchecked } = heard;
    const place = { store: this.#store, network: this.#network };
    try {
      await refuseRivals(`exporting ${exportId(entry)}`, place, entry, heard, false);
      return { unchecked, overridden: [] };
    } catch (error) {
      if (!(error instanceof UsageError) || !isAllowed('address', order.spec.allow)) throw error;
      return { unchecked, overridden: [{ kind: 'address', text: error.facts.happened }] };
    }
  }

  close(): Promise<void> {
    return this.#network.close();
  }

  async #listen({ spec }: ExportOrder): Promise<Heard> {
    const iface = await this.#interfaces.require(spec.netns, spec.iface);
    return listenAt(this.#network, { ...spec, iface: iface.name }, iface);
  }
}

/** Watches over the interfaces of this machine; elsewhere nobody of ours can, and what targets list or listen on has to do. */
class Watches {
  readonly #host: Host;
  readonly #open = new Map<string, AnnouncementWatch>();

  constructor(host: Host) {
    this.#host = host;
  }

  async open({ netns, iface }: ExportEntry): Promise<void> {
    const key = `${netns ?? ''}%${iface}`;
    if (!this.#host.isHere || this.#open.has(key)) return;
    this.#open.set(key, await watchAnnouncements(this.#host.inNamespace(netns), iface));
  }

  /** @throws as `requireAnnouncement` */
  async require(store: EntryStore, entry: ExportEntry): Promise<void> {
    const watch = this.#open.get(`${entry.netns ?? ''}%${entry.iface}`);
    if (watch !== undefined) await requireAnnouncement(store, entry, watch);
  }

  async close(): Promise<void> {
    for (const watch of this.#open.values()) await watch.close();
  }
}

/** Copies what a build made to the host. */
export async function putArtifacts(
  store: EntryStore,
  { build, artifacts }: Pick<Served, 'build' | 'artifacts'>,
): Promise<void> {
  const folder = store.artifactsFolder(build);
  for (const { name, path } of artifacts) {
    // Named by the build's digest: what is there is the same, and may be running.
    if ((await store.host.stat(`${folder}/${name}`)) === undefined) {
      await store.host.put(path, `${folder}/${name}`);
    }
  }
}

async function report(
  store: EntryStore,
  { entry, overridden, warnings }: ExportPlan,
  iface: InterfaceFacts,
  pids: number[],
): Promise<Omit<ExportReport, 'unchecked'>> {
  return {
    id: exportId(entry),
    implementation: entry.implementation,
    release: entry.release,
    shelf: entry.shelf,
    slot: entry.slot,
    iface: entry.iface,
    netns: entry.netns,
    mac: iface.mac,
    file: entry.backing.name,
    size: sectorsOf(entry) * SECTOR,
    sectors: sectorsOf(entry),
    device: (await ownLoops(store, entry))[0],
    pids,
    log: driverFor(store, entry).logPath(entry),
    options: entry.options,
    persistence: (entry.persist && (await (await serviceManager(store.host)).starter(store))) || null,
    overridden,
    warnings: [
      ...warnings,
      ...(await rightsWarnings(store, entry)),
      ...(await persistenceWarnings(entry, iface, () => surveyNetworkFiles(store.host))),
    ],
  };
}

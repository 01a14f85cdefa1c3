import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LabError, MissingError } from '../../base/errors.js';
import { formatAddress, SECTOR } from '../aoe/index.js';
import { FileBacking } from './file-backing.js';
import type { Gateway } from './gateway.js';
import { LastUse } from './last-use.js';
import { LimitsLog, toldLimits } from './limits.js';
import { LocalAccess, toldAccess, withoutAccess } from './local-access.js';
import { Openings } from './openings.js';
import { makeServed } from './serve.js';
import type { Served } from './served.js';
import type { ExportSettings, Settings } from './settings.js';
import { StateStore } from './state-store.js';
import { type DaemonStatus, describeSilence, ownStart, writeStatus } from './status-file.js';

/** Opens the way to the targets of an interface. @throws LabError */
export type OpenGateway = (iface: string) => Promise<Gateway>;

interface Running {
  settings: ExportSettings;
  served: Served;
}

/** An export that can't be served for now: its interface or its file is not there, or its disk does not answer. */
interface Waiting {
  settings: ExportSettings;
  why: string;
  /** Milliseconds for which its disk has not answered; undefined where something else is missing. */
  silence?: number;
}

/** Milliseconds between two looks at sizes, interfaces and counters. */
const LOOK = 2000;
const FILES_A_LOOK = 32;
/** Milliseconds until something new is told that would not be before the next look: bursts are told once. */
const SOON = 100;
/** Milliseconds that disks may take to open what a configuration names, until the others are served without them. */
const OPENING = 500;
/** Milliseconds after which that is worth a line. */
const LONG = 2000;
/** Milliseconds that disks may take when all is to end. */
const ENDING = 2000;

/** All exports of one process: follows its configuration, looks after interfaces and files, tells how it stands. */
export class Daemon {
  readonly #folder: string | undefined;
  readonly #states: StateStore | undefined;
  readonly #open: OpenGateway;
  readonly #log: (line: string) => void;
  readonly #access: LocalAccess;
  readonly #limits: LimitsLog;
  readonly #gateways = new Map<string, Gateway>();
  /** Interfaces that could not be opened again, and why they should be. */
  readonly #stale = new Map<string, string>();
  readonly #openings = new Openings(() => this.#inBackground(() => this.#serve()));
  /** Sizes that were told last: identify looks as well, and tells nobody. */
  readonly #sizes = new WeakMap<Served, number>();
  /** Whose size is being looked at, and whose disk was told to be stuck. */
  readonly #measuring = new Set<Served>();
  readonly #stuck = new Set<Served>();
  #lookFrom = 0;
  #exports: readonly ExportSettings[] = [];
  #running: Running[] = [];
  #waiting: readonly Waiting[] = [];
  /** Of those that wait, the ones that were told of. */
  #reported: readonly Waiting[] = [];
  readonly #use = new LastUse();
  #timer: NodeJS.Timeout | undefined;
  #soon: NodeJS.Timeout | undefined;
  /** Changes are made one after the other; none of them waits for a disk without end. */
  #last: Promise<void> = Promise.resolve();

  /** @param folder holds what is kept of the targets, and the status file; without it nothing outlives the process */
  constructor(folder: string | undefined, open: OpenGateway, log: (line: string) => void) {
    this.#folder = folder;
    this.#states =
      folder === undefined ? undefined : new StateStore(join(folder, 'state'), () => this.#tellSoon());
    this.#open = open;
    this.#log = log;
    this.#access = new LocalAccess(log);
    this.#limits = new LimitsLog(log);
  }

  /**
   * Takes a configuration: exports that stay go on undisturbed. One that can't be served is reported, and tried again
   * until it can.
   * @param read reads it, when those that were given before are taken
   * @throws MissingError if this process may have no packet sockets · whatever `read` throws
   */
  configure(read: () => Promise<Settings>): Promise<void> {
    return this.#serially(async () => {
      const { exports, retained } = await read();
      this.#exports = exports;
      await this.#serve();
      await this.#states?.retain([
        ...exports.map((one) => ({ address: one, path: one.keptAs, formerly: one.path })),
        ...retained.map((one) => ({ address: one, path: one.keptAs })),
      ]);
      this.#timer ??= setInterval(() => this.#inBackground(() => this.#look()), LOOK);
    });
  }

  /** Answers what has come in, as far as the disks let it, and ends. */
  stop(): Promise<void> {
    clearInterval(this.#timer);
    return this.#serially(async () => {
      await Promise.all([...this.#gateways.values()].map((gateway) => gateway.close()));
      this.#gateways.clear();
      const closing = distinct(this.#running).map(async ({ backing }) => {
        // What was acknowledged without a flush is nobody's claim, but costs little to bring home.
        await backing.flush().catch(() => {});
        await backing.close();
      });
      await Promise.race([Promise.allSettled(closing), sleep(ENDING)]);
      this.#running = [];
    });
  }

  #serially(change: () => Promise<void>): Promise<void> {
    const outcome = this.#last.then(change);
    this.#last = outcome.catch(() => {});
    return outcome;
  }

  #inBackground(change: () => Promise<void>): void {
    this.#serially(change).catch((error) => this.#log(String(error)));
  }

  /** Serves what is configured, as far as it can be. */
  async #serve(): Promise<void> {
    const running: Running[] = [];
    const added: Running[] = [];
    const waiting: Waiting[] = [];
    const reachable = await this.#begin(waiting);
    await this.#openings.untilDone(OPENING);
    for (const settings of reachable) {
      const same = this.#same(settings);
      const served = same?.served ?? this.#take(settings, [...running, ...this.#running]);
      if ('why' in served) {
        waiting.push(served);
        continue;
      }
      const one = { settings, served };
      running.push(one);
      if (same === undefined) added.push(one);
    }
    this.#openings.retain(new Set(this.#exports.map(twinKey)));
    this.#report(waiting);
    const before = distinct(this.#running);
    this.#running = running;
    this.#access.apply(running);
    for (const [iface, gateway] of this.#gateways) {
      const members = running.filter(({ settings }) => settings.iface === iface);
      gateway.served = members.map(({ served }) => served);
      for (const one of members) if (added.includes(one)) this.#announce(gateway, one);
      if (this.#exports.some((one) => one.iface === iface)) continue;
      this.#gateways.delete(iface);
      this.#stale.delete(iface);
      await gateway.close();
    }
    const kept = new Set(distinct(running));
    for (const served of before) {
      if (!kept.has(served)) void this.#closeWhenIdle(served).catch((error) => this.#log(String(error)));
    }
    await this.#tell();
  }

  /**
   * Opens interfaces, and begins to open the files of exports that are new.
   * @param waiting receives those whose interface can't be had
   * @returns the others
   */
  async #begin(waiting: Waiting[]): Promise<ExportSettings[]> {
    const reachable: ExportSettings[] = [];
    const ways = new Map<string, Promise<void>>();
    for (const settings of this.#exports) {
      try {
        const way = ways.get(settings.iface) ?? this.#openGateway(settings.iface);
        ways.set(settings.iface, way);
        await way;
      } catch (error) {
        if (error instanceof MissingError && error.missing.includes('CAP_NET_RAW')) throw error;
        waiting.push({ settings, why: reasonOf(error as Error) });
        continue;
      }
      reachable.push(settings);
      const key = twinKey(settings);
      if (this.#running.some((one) => twinKey(one.settings) === key)) continue;
      this.#openings.begin(key, () => this.#openExport(settings));
    }
    return reachable;
  }

  #same(settings: ExportSettings): Running | undefined {
    return this.#running.find((old) => isSame(old.settings, settings));
  }

  /** What serves an export on another interface already, or was opened for it: one state, one order of writes. */
  #take(settings: ExportSettings, others: readonly Running[]): Served | Waiting {
    const key = twinKey(settings);
    const twin = others.find((one) => twinKey(one.settings) === key);
    if (twin !== undefined) return twin.served;
    const taken = this.#openings.take(key);
    if ('served' in taken) return taken.served;
    if ('error' in taken) return { settings, why: reasonOf(taken.error) };
    return { settings, why: 'no answer from its disk', silence: taken.silence };
  }

  /** Tells of what waits, once for each reason. */
  #report(waiting: readonly Waiting[]): void {
    const worth = waiting.filter(({ silence = LONG }) => silence >= LONG);
    for (const { settings, why } of worth) {
      const { shelf, slot, iface } = settings;
      if (this.#reported.some((old) => isSame(old.settings, settings) && old.why === why)) continue;
      this.#log(`${formatAddress({ shelf, slot })} on ${iface} is not served yet: ${why}`);
    }
    this.#waiting = waiting;
    this.#reported = worth;
  }

  async #openExport(settings: ExportSettings): Promise<Served> {
    const { shelf, slot, path, keptAs } = settings;
    // Nothing is opened in vain: to close a block device again would be noticed by the system.
    await stat(path);
    const address = { shelf, slot };
    const kept = await this.#states?.open(address, keptAs);
    const { readOnly, directIo, sync, offset, length } = settings;
    return makeServed({
      address,
      readOnly,
      macs: settings.macs,
      broadcast: settings.broadcast,
      bufferCount: settings.bufferCount,
      serial: settings.serial,
      file: settings.file,
      disk: settings.disk,
      backing: {
        path,
        directIo,
        sync,
        offset,
        length,
        queueLength: settings.queueLength,
        links: settings.links,
      },
      ...kept,
    });
  }

  async #openGateway(iface: string): Promise<void> {
    if (this.#gateways.has(iface)) return;
    const gateway = await this.#openAble(iface);
    this.#gateways.set(iface, gateway);
    this.#log(`${iface}: MTU ${gateway.mtu}, ${gateway.datapath}`);
  }

  /** @throws LabError also where its frames have no room for a sector */
  async #openAble(iface: string): Promise<Gateway> {
    const gateway = await this.#open(iface);
    if (gateway.maxSectors > 0) return gateway;
    await gateway.close();
    throw new LabError({
      tried: `opening the interface ${iface}`,
      happened: `its MTU is ${gateway.mtu}, and a frame with one sector needs ${LEAST_MTU}`,
      next: `ip link set ${iface} mtu 1500`,
    });
  }

  #announce(gateway: Gateway, { settings, served }: Running): void {
    const { shelf, slot, iface, path } = settings;
    const { sectors } = served.target;
    this.#sizes.set(served, sectors);
    this.#log(`${formatAddress({ shelf, slot })} on ${iface}: ${path}, ${sectors} sectors`);
    gateway.announce(served);
  }

  /** What was under way when an export was taken away may still be reading and writing, for ever where a disk is stuck. */
  async #closeWhenIdle(served: Served): Promise<void> {
    for (const gateway of this.#gateways.values()) await gateway.idle(served);
    await new Promise<void>((resolve) => served.order.flush(resolve));
    await served.backing.close();
  }

  /** Opens an interface again that has changed, or has come back. @returns whether it can carry sectors no longer */
  async #renew(iface: string, gateway: Gateway): Promise<boolean> {
    const why = gateway.stale();
    if (why === this.#stale.get(iface)) return false;
    if (why === undefined) {
      this.#stale.delete(iface);
      return false;
    }
    try {
      const renewed = await this.#open(iface);
      renewed.follow(gateway);
      renewed.served = gateway.served;
      this.#gateways.set(iface, renewed);
      this.#stale.delete(iface);
      this.#log(`${iface} was opened again: ${why}; MTU ${renewed.mtu}, ${renewed.datapath}`);
      void gateway.close().catch((error) => this.#log(String(error)));
      if (renewed.maxSectors === 0) {
        this.#gateways.delete(iface);
        await renewed.close();
        return true;
      }
      for (const served of renewed.served) renewed.announce(served);
    } catch {
      // Gone for now; it is tried again when it looks otherwise.
      this.#log(`${iface}: ${why}`);
      this.#stale.set(iface, why);
    }
    return false;
  }

  /** Notices files that grew or shrank, interfaces that changed, disks that are stuck, and what was waited for. */
  async #look(): Promise<void> {
    let isLess = false;
    for (const [iface, { quotas }] of this.#gateways) this.#limits.tell(iface, quotas);
    for (const [iface, gateway] of this.#gateways) if (await this.#renew(iface, gateway)) isLess = true;
    if (isLess || this.#waiting.length > 0) await this.#serve();
    this.#access.apply(this.#running);
    const all = distinct(this.#running);
    for (const served of all) this.#tellSize(served);
    for (const served of all) this.#tellDisk(served);
    // Of very many files only some each time: identify looks anyway.
    const few = all.splice(this.#lookFrom % Math.max(1, all.length), FILES_A_LOOK);
    this.#lookFrom = few.length < FILES_A_LOOK ? 0 : this.#lookFrom + FILES_A_LOOK;
    for (const served of few) void this.#measure(served);
    await this.#tell();
  }

  /** Nobody waits for it, and it is not asked again before it is done. */
  async #measure(served: Served): Promise<void> {
    if (this.#measuring.has(served)) return;
    this.#measuring.add(served);
    const { target, backing, medium } = served;
    try {
      target.sectors = await medium.during(backing.measure());
      this.#tellSize(served);
    } catch {
      // As large as it was, as far as is known.
    } finally {
      this.#measuring.delete(served);
    }
  }

  /** Tells log and clients of a new size, once. */
  #tellSize(served: Served): void {
    const { target } = served;
    const before = this.#sizes.get(served);
    if (before === target.sectors) return;
    this.#sizes.set(served, target.sectors);
    this.#log(`${formatAddress(target.address)} had ${before} sectors and has ${target.sectors} now`);
    for (const gateway of this.#gateways.values()) {
      if (gateway.served.includes(served)) gateway.announce(served);
    }
  }

  #tellDisk(served: Served): void {
    const { target, medium, faults } = served;
    const address = formatAddress(target.address);
    for (const line of faults.news(performance.now())) this.#log(`${address}: ${line}`);
    if (medium.isStuck === this.#stuck.has(served)) return;
    if (this.#stuck.delete(served)) this.#log(`${address}: its disk answers again`);
    else {
      this.#stuck.add(served);
      this.#log(`${address}: stuck, no answer from its disk`);
    }
  }

  /** Writes how it stands at once, with the time of day, although nothing may have changed. */
  async tellNow(): Promise<void> {
    if (this.#folder === undefined) return;
    await writeStatus(join(this.#folder, 'status.json'), { ...this.status(), at: Date.now() });
  }

  /** What initiators set is told soon: whoever looks why nobody is answered must not see how it was. */
  #tellSoon(): void {
    this.#soon ??= setTimeout(() => {
      this.#soon = undefined;
      this.#inBackground(() => this.#tell());
    }, SOON).unref();
  }

  #usedAt(served: Served): { usedAt?: number } {
    const usedAt = this.#use.look(served, Date.now());
    return usedAt === undefined ? {} : { usedAt };
  }

  /** How it stands now. */
  status(): DaemonStatus {
    const exports = this.#running.map(({ settings, served }) => ({
      shelf: settings.shelf,
      slot: settings.slot,
      iface: settings.iface,
      sectors: served.target.sectors,
      serial: served.target.serial,
      datapath: this.#gateways.get(settings.iface)?.datapath ?? '',
      ...(served.backing instanceof FileBacking ? { opened: served.backing.what } : {}),
      counters: served.counters,
      ...this.#usedAt(served),
      ...(served.medium.isStuck ? { stuck: Math.floor(served.medium.silence / 1000) } : {}),
      ...toldLimits(this.#gateways.get(settings.iface)?.quotas),
      faults: served.faults.list,
      access: toldAccess(served),
    }));
    const waiting = this.#waiting.map(({ settings: { shelf, slot, iface }, why, silence }) => ({
      shelf,
      slot,
      iface,
      why: silence === undefined ? why : describeSilence(Math.floor(silence / 1000)),
    }));
    return { pid: process.pid, ...(BEGAN === undefined ? {} : { began: BEGAN }), exports, waiting };
  }

  async #tell(): Promise<void> {
    if (this.#folder !== undefined) await writeStatus(join(this.#folder, 'status.json'), this.status());
  }
}

const BEGAN = ownStart();

/** Bytes: the least MTU whose frames hold a sector. */
const LEAST_MTU = 36 - 14 + SECTOR;

/** In one line, with what is to be done where that is known. */
function reasonOf(error: Error): string {
  const next = error instanceof LabError ? [error.facts.next ?? []].flat() : [];
  return next.length === 0 ? error.message : `${error.message} (${next.join('; ')})`;
}

/** Of many exports each is compared with each, at every look: what tells them apart is made once. */
const keys = new WeakMap<ExportSettings, { own: string; twin: string }>();

function keysOf(settings: ExportSettings): { own: string; twin: string } {
  const known = keys.get(settings);
  if (known !== undefined) return known;
  const { iface, ...rest } = withoutAccess(settings);
  const twin = JSON.stringify(rest);
  const made = { own: `${iface} ${twin}`, twin };
  keys.set(settings, made);
  return made;
}

/** What can be changed while it is served does not count. */
function isSame(a: ExportSettings, b: ExportSettings): boolean {
  return keysOf(a).own === keysOf(b).own;
}

/** The same for what is one target on several interfaces. */
function twinKey(settings: ExportSettings): string {
  return keysOf(settings).twin;
}

function distinct(running: readonly Running[]): Served[] {
  return [...new Set(running.map(({ served }) => served))];
}

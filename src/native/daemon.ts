import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { formatAddress } from '../aoe/index.js';
import { MissingError } from '../errors.js';
import type { Gateway } from './gateway.js';
import { makeServed } from './serve.js';
import type { ExportSettings, Settings } from './settings.js';
import { StateStore } from './state-store.js';
import type { Served } from './station.js';
import { type DaemonStatus, writeStatus } from './status-file.js';

/** Opens the way to the targets of an interface. @throws LabError */
export type OpenGateway = (iface: string) => Promise<Gateway>;

interface Running {
  settings: ExportSettings;
  served: Served;
}

/** An export that can't be served for now: its interface or its file is not there. */
interface Waiting {
  settings: ExportSettings;
  why: string;
}

/** Milliseconds between two looks at sizes, interfaces and counters. */
const LOOK = 2000;
const FILES_A_LOOK = 32;

/** All exports of one process: follows its configuration, looks after interfaces and files, tells how it stands. */
export class Daemon {
  readonly #folder: string | undefined;
  readonly #states: StateStore | undefined;
  readonly #open: OpenGateway;
  readonly #log: (line: string) => void;
  readonly #gateways = new Map<string, Gateway>();
  /** Interfaces that could not be opened again, and why they should be. */
  readonly #stale = new Map<string, string>();
  #lookFrom = 0;
  #exports: readonly ExportSettings[] = [];
  #running: Running[] = [];
  #waiting: readonly Waiting[] = [];
  #timer: NodeJS.Timeout | undefined;
  /** Changes are made one after the other. */
  #last: Promise<void> = Promise.resolve();

  /** @param folder holds what is kept of the targets, and the status file; without it nothing outlives the process */
  constructor(folder: string | undefined, open: OpenGateway, log: (line: string) => void) {
    this.#folder = folder;
    this.#states = folder === undefined ? undefined : new StateStore(join(folder, 'state'));
    this.#open = open;
    this.#log = log;
  }

  /**
   * Takes a configuration: exports that stay go on undisturbed. One that can't be served is reported, and tried again
   * until it can.
   * @throws MissingError if this process may have no packet sockets
   */
  configure({ exports }: Settings): Promise<void> {
    return this.#serially(async () => {
      this.#exports = exports;
      await this.#serve();
      await this.#states?.retain(exports.map((one) => ({ address: one, path: one.path })));
      this.#timer ??= setInterval(() => {
        this.#serially(() => this.#look()).catch((error) => this.#log(String(error)));
      }, LOOK);
    });
  }

  /** Answers what has come in, and ends. */
  stop(): Promise<void> {
    clearInterval(this.#timer);
    return this.#serially(async () => {
      for (const gateway of this.#gateways.values()) await gateway.close();
      this.#gateways.clear();
      for (const { backing } of distinct(this.#running)) {
        // What was acknowledged without a flush is nobody's claim, but costs little to bring home.
        await backing.flush().catch(() => {});
        await backing.close();
      }
      this.#running = [];
    });
  }

  #serially(change: () => Promise<void>): Promise<void> {
    const outcome = this.#last.then(change);
    this.#last = outcome.catch(() => {});
    return outcome;
  }

  /** Serves what is configured, as far as it can be. */
  async #serve(): Promise<void> {
    const running: Running[] = [];
    const added: Running[] = [];
    const waiting: Waiting[] = [];
    const ways = new Map<string, Promise<void>>();
    for (const settings of this.#exports) {
      const key = JSON.stringify(settings);
      const same = this.#running.find((old) => JSON.stringify(old.settings) === key);
      try {
        const one = same ?? (await this.#add(settings, running, ways));
        running.push(one);
        if (same === undefined) added.push(one);
      } catch (error) {
        if (error instanceof MissingError && error.missing.includes('CAP_NET_RAW')) throw error;
        waiting.push({ settings, why: (error as Error).message });
      }
    }
    this.#report(waiting);
    const before = distinct(this.#running);
    this.#running = running;
    for (const [iface, gateway] of this.#gateways) {
      const members = running.filter(({ settings }) => settings.iface === iface);
      gateway.served = members.map(({ served }) => served);
      for (const one of members) if (added.includes(one)) this.#announce(gateway, one);
      if (members.length > 0) continue;
      this.#gateways.delete(iface);
      this.#stale.delete(iface);
      await gateway.close();
    }
    const kept = new Set(distinct(running));
    for (const served of before) if (!kept.has(served)) await this.#closeWhenIdle(served);
    await this.#tell();
  }

  /** Tells of what waits, once for each reason. */
  #report(waiting: readonly Waiting[]): void {
    for (const { settings, why } of waiting) {
      const { shelf, slot, iface } = settings;
      if (this.#waiting.some((old) => old.settings === settings && old.why === why)) continue;
      this.#log(`${formatAddress({ shelf, slot })} on ${iface} is not served yet: ${why}`);
    }
    this.#waiting = waiting;
  }

  /** @param ways to interfaces that were looked for just now */
  async #add(
    settings: ExportSettings,
    others: readonly Running[],
    ways: Map<string, Promise<void>>,
  ): Promise<Running> {
    const { shelf, slot, iface, path } = settings;
    // Nothing is opened in vain: to close a block device again would be noticed by the system.
    await stat(path);
    const way = ways.get(iface) ?? this.#openGateway(iface);
    ways.set(iface, way);
    await way;
    // The same target on several interfaces: one state, one order of writes.
    const key = withoutIface(settings);
    const twin = [...others, ...this.#running].find((one) => withoutIface(one.settings) === key);
    if (twin !== undefined) return { settings, served: twin.served };
    const address = { shelf, slot };
    const kept = await this.#states?.open(address, path);
    const { readOnly, directIo, sync, offset, length } = settings;
    const served = await makeServed({
      address,
      readOnly,
      macs: settings.macs,
      broadcast: settings.broadcast,
      bufferCount: settings.bufferCount,
      backing: { path, directIo, sync, offset, length, queueLength: settings.queueLength },
      ...kept,
    });
    return { settings, served };
  }

  async #openGateway(iface: string): Promise<void> {
    if (this.#gateways.has(iface)) return;
    const gateway = await this.#open(iface);
    this.#gateways.set(iface, gateway);
    this.#log(`${iface}: MTU ${gateway.mtu}, ${gateway.path}`);
  }

  #announce(gateway: Gateway, { settings, served }: Running): void {
    const { shelf, slot, iface, path } = settings;
    const { sectors } = served.target;
    this.#log(`${formatAddress({ shelf, slot })} on ${iface}: ${path}, ${sectors} sectors`);
    gateway.announce(served);
  }

  /** What was under way when an export was taken away may still be reading and writing. */
  async #closeWhenIdle(served: Served): Promise<void> {
    for (const gateway of this.#gateways.values()) await gateway.settled(served);
    await new Promise<void>((resolve) => served.order.flush(resolve));
    await served.backing.close();
  }

  /** Opens an interface again that has changed, or has come back. */
  async #renew(iface: string, gateway: Gateway): Promise<void> {
    const why = gateway.stale();
    if (why === this.#stale.get(iface)) return;
    if (why === undefined) {
      this.#stale.delete(iface);
      return;
    }
    try {
      const renewed = await this.#open(iface);
      renewed.served = gateway.served;
      this.#gateways.set(iface, renewed);
      this.#stale.delete(iface);
      this.#log(`${iface} was opened again: ${why}; MTU ${renewed.mtu}, ${renewed.path}`);
      for (const served of renewed.served) renewed.announce(served);
      await gateway.close();
    } catch {
      // Gone for now; it is tried again when it looks otherwise.
      this.#log(`${iface}: ${why}`);
      this.#stale.set(iface, why);
    }
  }

  /** Notices files that grew or shrank, interfaces that changed, and what was waited for. */
  async #look(): Promise<void> {
    if (this.#waiting.length > 0) await this.#serve();
    for (const [iface, gateway] of this.#gateways) await this.#renew(iface, gateway);
    const all = distinct(this.#running);
    // Of very many files only some each time: identify looks anyway.
    const few = all.splice(this.#lookFrom % Math.max(1, all.length), FILES_A_LOOK);
    this.#lookFrom = few.length < FILES_A_LOOK ? 0 : this.#lookFrom + FILES_A_LOOK;
    for (const served of few) {
      const { target, backing } = served;
      const sectors = await backing.measure().catch(() => target.sectors);
      if (sectors === target.sectors) continue;
      this.#log(`${formatAddress(target.address)} had ${target.sectors} sectors and has ${sectors} now`);
      target.sectors = sectors;
      for (const gateway of this.#gateways.values()) {
        if (gateway.served.includes(served)) gateway.announce(served);
      }
    }
    await this.#tell();
  }

  /** How it stands now. */
  status(): DaemonStatus {
    const exports = this.#running.map(({ settings, served }) => ({
      shelf: settings.shelf,
      slot: settings.slot,
      iface: settings.iface,
      sectors: served.target.sectors,
      path: this.#gateways.get(settings.iface)?.path ?? '',
      counters: served.counters,
    }));
    const waiting = this.#waiting.map(({ settings: { shelf, slot, iface }, why }) => ({
      shelf,
      slot,
      iface,
      why,
    }));
    return { pid: process.pid, exports, waiting };
  }

  async #tell(): Promise<void> {
    if (this.#folder !== undefined) await writeStatus(join(this.#folder, 'status.json'), this.status());
  }
}

function withoutIface(settings: ExportSettings): string {
  return JSON.stringify({ ...settings, iface: '' });
}

function distinct(running: readonly Running[]): Served[] {
  return [...new Set(running.map(({ served }) => served))];
}

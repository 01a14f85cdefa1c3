import { join } from 'node:path';
import { formatAddress } from '../aoe/index.js';
import { LabError } from '../errors.js';
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

/** Milliseconds between two looks at sizes, interfaces and counters. */
const LOOK = 2000;
const FILES_A_LOOK = 32;

/** All exports of one process: follows its configuration, looks after interfaces and files, tells how it stands. */
export class Daemon {
  readonly #folder: string;
  readonly #states: StateStore;
  readonly #open: OpenGateway;
  readonly #log: (line: string) => void;
  readonly #gateways = new Map<string, Gateway>();
  /** Interfaces that could not be opened again, and why they should be. */
  readonly #stale = new Map<string, string>();
  #lookFrom = 0;
  #running: Running[] = [];
  #timer: NodeJS.Timeout | undefined;
  /** Changes are made one after the other. */
  #last: Promise<void> = Promise.resolve();

  /** @param folder holds what is kept of the targets, and the status file */
  constructor(folder: string, open: OpenGateway, log: (line: string) => void) {
    this.#folder = folder;
    this.#states = new StateStore(join(folder, 'state'));
    this.#open = open;
    this.#log = log;
  }

  /**
   * Takes a configuration: exports that stay go on undisturbed. One that can't be served is left out and reported.
   * @throws LabError if none of several can be served
   */
  configure(settings: Settings): Promise<void> {
    return this.#serially(() => this.#configure(settings));
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

  async #configure({ exports }: Settings): Promise<void> {
    const faults: string[] = [];
    const running: Running[] = [];
    const added: Running[] = [];
    for (const settings of exports) {
      const key = JSON.stringify(settings);
      const same = this.#running.find((old) => JSON.stringify(old.settings) === key);
      const one =
        same ?? (await this.#add(settings, running).catch((error) => this.#reject(settings, error, faults)));
      if (one === undefined) continue;
      running.push(one);
      if (same === undefined) added.push(one);
    }
    await this.#openGateways(running, faults);
    const reachable = running.filter(({ settings }) => this.#gateways.has(settings.iface));
    const before = distinct(this.#running);
    this.#running = reachable;
    for (const [iface, gateway] of this.#gateways) {
      const members = reachable.filter(({ settings }) => settings.iface === iface);
      gateway.served = members.map(({ served }) => served);
      for (const one of members) if (added.includes(one)) this.#announce(gateway, one);
      if (members.length > 0) continue;
      this.#gateways.delete(iface);
      this.#stale.delete(iface);
      await gateway.close();
    }
    const kept = new Set(distinct(reachable));
    for (const served of new Set([...before, ...distinct(running)])) {
      if (!kept.has(served)) await this.#closeWhenIdle(served);
    }
    await this.#states.retain(reachable.map(({ settings }) => ({ address: settings, path: settings.path })));
    this.#timer ??= setInterval(() => void this.#serially(() => this.#look()), LOOK);
    await this.#tell();
    if (faults.length > 0 && reachable.length === 0) {
      throw new LabError({ tried: 'serving what is configured', happened: faults.join('\n') });
    }
  }

  async #add(settings: ExportSettings, others: readonly Running[]): Promise<Running> {
    const { shelf, slot, path } = settings;
    // The same target on several interfaces: one state, one order of writes.
    const key = withoutIface(settings);
    const twin = [...others, ...this.#running].find((one) => withoutIface(one.settings) === key);
    if (twin !== undefined) return { settings, served: twin.served };
    const address = { shelf, slot };
    const { state, keeper } = await this.#states.open(address, path);
    const { readOnly, directIo, sync, offset, length } = settings;
    const served = await makeServed({
      address,
      readOnly,
      macs: settings.macs,
      broadcast: settings.broadcast,
      bufferCount: settings.bufferCount,
      backing: { path, directIo, sync, offset, length, queueLength: settings.queueLength },
      state,
      keeper,
    });
    return { settings, served };
  }

  #reject({ shelf, slot, iface }: ExportSettings, error: Error, faults: string[]): undefined {
    const line = `${formatAddress({ shelf, slot })} on ${iface} is not served: ${error.message}`;
    faults.push(line);
    this.#log(line);
    return undefined;
  }

  async #openGateways(running: readonly Running[], faults: string[]): Promise<void> {
    for (const iface of new Set(running.map(({ settings }) => settings.iface))) {
      if (this.#gateways.has(iface)) continue;
      try {
        const gateway = await this.#open(iface);
        this.#gateways.set(iface, gateway);
        this.#log(`${iface}: MTU ${gateway.mtu}, ${gateway.path}`);
      } catch (error) {
        faults.push((error as Error).message);
        this.#log((error as Error).message);
      }
    }
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

  /** Notices files that grew or shrank, and interfaces that changed. */
  async #look(): Promise<void> {
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
    return { pid: process.pid, exports };
  }

  #tell(): Promise<void> {
    return writeStatus(join(this.#folder, 'status.json'), this.status());
  }
}

function withoutIface(settings: ExportSettings): string {
  return JSON.stringify({ ...settings, iface: '' });
}

function distinct(running: readonly Running[]): Served[] {
  return [...new Set(running.map(({ served }) => served))];
}

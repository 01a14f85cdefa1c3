import { LabError } from '../../base/errors.js';
import { ETHERNET_HEADER, isGroup, type Mac, readMac } from '../aoe/ethernet.js';
import { type Clock, systemClock } from './clock.js';
import type { FaultPlan, Way } from './fault-plan.js';
import { type FaultCounts, type FaultEvent, FaultyWay } from './faults.js';
import type { Link } from './link.js';
import { MemorySegment } from './memory.js';

export interface HubOptions {
  /**
   * A `switch` (the default) learns behind which port an address is and sends what is for it there alone; a `hub`
   * sends everything everywhere.
   */
  kind?: 'switch' | 'hub' | undefined;
  /** Seed of all random faults. Default: 0. The same frames with the same seed meet the same faults. */
  seed?: number | undefined;
  clock?: Clock | undefined;
  /** Told of every fault that befalls a frame. */
  onFault?: ((event: FaultEvent) => void) | undefined;
}

export interface JoinOptions {
  /** Name of the port, unique. Default: the link's. A port's random faults follow from its name. */
  name?: string | undefined;
  faults?: FaultPlan | undefined;
}

/** A link joined to a hub. */
export interface HubPort {
  readonly name: string;
  readonly link: Link;
  readonly counts: Readonly<Record<Way, Readonly<FaultCounts>>>;
  /** Frames that the link did not take: queue full, peer gone, longer than its MTU. */
  readonly refused: number;
  /** Lets nothing pass (one way, or both) until it is restored. */
  cut(way?: Way): void;
  restore(way?: Way): void;
  /** Leaves the hub; the link is left open. */
  leave(): void;
}

/** Addresses that a switch remembers; the one longest unheard makes room. */
const MOST_ADDRESSES = 4096;
/** Milliseconds after which an address that is not heard is forgotten, as switches do. */
const FORGET_AFTER = 300_000;

/**
 * Joins links to one Ethernet segment: what arrives at one goes out at the others, never back, in order, within the
 * same call. Each port has a fault plan for either way.
 *
 * A packet socket as a port needs an interface that hands over frames for foreign addresses: a veth does, a network
 * card only in promiscuous mode.
 */
export class Hub {
  readonly #options: HubOptions;
  readonly #clock: Clock;
  readonly #ports: Port[] = [];
  readonly #addresses = new Map<Mac, { port: Port; heard: number }>();
  /** Links that were made here and are closed with the hub. */
  readonly #own: Link[] = [];

  constructor(options: HubOptions = {}) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  get ports(): readonly HubPort[] {
    return this.#ports;
  }

  /**
   * Makes a link a port of the hub, which takes over its reception.
   * @throws UsageError if the fault plan can't be meant · LabError if the name or the link is already there
   */
  join(link: Link, { name = link.name, faults = [] }: JoinOptions = {}): HubPort {
    if (this.#ports.some((port) => port.name === name || port.link === link)) {
      throw new LabError({ tried: `joining ${name} to a hub`, happened: 'it is a port of it already' });
    }
    const way = (which: Way, deliver: (frame: Buffer) => void): FaultyWay =>
      new FaultyWay({
        port: name,
        way: which,
        plan: faults,
        seed: this.#options.seed ?? 0,
        clock: this.#clock,
        deliver,
        onFault: this.#options.onFault,
      });
    const port: Port = new Port(
      name,
      link,
      way('in', (frame) => this.#forward(port, frame)),
      way('out', (frame) => port.transmit(frame)),
      () => this.#remove(port),
    );
    this.#ports.push(port);
    link.onFrame = (frame) => port.in.offer(frame);
    return port;
  }

  /** Makes a link in memory that ends at this hub: for a target or an initiator of this process. */
  plug(mac: Mac, { name = `port${this.#ports.length}`, mtu = 1500, faults }: PlugOptions = {}): Link {
    const cable = new MemorySegment(mtu);
    const inside = cable.join(0, name);
    this.join(inside, { name, faults });
    this.#own.push(inside);
    return cable.join(mac, name);
  }

  /** The port of that name. @throws LabError if there is none */
  port(name: string): HubPort {
    const port = this.#ports.find((other) => other.name === name);
    if (port) return port;
    const happened = `there is none; there are: ${this.#ports.map((other) => other.name).join(', ')}`;
    throw new LabError({ tried: `taking the port ${name} of a hub`, happened });
  }

  /** All ports leave; links that were joined are left open. */
  async close(): Promise<void> {
    for (const port of [...this.#ports]) port.leave();
    await Promise.all(this.#own.map((link) => link.close()));
  }

  #forward(from: Port, frame: Buffer): void {
    if (frame.length < ETHERNET_HEADER) return;
    const known = this.#options.kind === 'hub' ? undefined : this.#lookUp(from, frame);
    if (known !== undefined) {
      if (known !== from) known.out.offer(frame);
      return;
    }
    for (const port of this.#ports) if (port !== from) port.out.offer(frame);
  }

  /** Learns where the source is. @returns the port of the destination, if known */
  #lookUp(from: Port, frame: Buffer): Port | undefined {
    const now = this.#clock.now();
    const source = readMac(frame, 6);
    if (!isGroup(source)) {
      // Set anew, so that the map's order is that of hearing.
      this.#addresses.delete(source);
      this.#addresses.set(source, { port: from, heard: now });
      if (this.#addresses.size > MOST_ADDRESSES) {
        this.#addresses.delete(this.#addresses.keys().next().value as Mac);
      }
    }
    const entry = this.#addresses.get(readMac(frame, 0));
    return entry !== undefined && now - entry.heard < FORGET_AFTER ? entry.port : undefined;
  }

  #remove(port: Port): void {
    const index = this.#ports.indexOf(port);
    if (index >= 0) this.#ports.splice(index, 1);
    for (const [mac, entry] of this.#addresses) if (entry.port === port) this.#addresses.delete(mac);
  }
}

export interface PlugOptions extends JoinOptions {
  mtu?: number | undefined;
}

class Port implements HubPort {
  readonly name: string;
  readonly link: Link;
  readonly in: FaultyWay;
  readonly out: FaultyWay;
  refused = 0;
  readonly #onLeave: () => void;

  constructor(name: string, link: Link, into: FaultyWay, out: FaultyWay, onLeave: () => void) {
    this.name = name;
    this.link = link;
    this.in = into;
    this.out = out;
    this.#onLeave = onLeave;
  }

  get counts(): Record<Way, FaultCounts> {
    return { in: this.in.counts, out: this.out.counts };
  }

  cut(way?: Way): void {
    this.#set(way, true);
  }

  restore(way?: Way): void {
    this.#set(way, false);
  }

  leave(): void {
    this.link.onFrame = undefined;
    this.in.close();
    this.out.close();
    this.#onLeave();
  }

  /** A port whose link is gone or too narrow is that port's trouble, not the sender's. */
  transmit(frame: Buffer): void {
    try {
      if (!this.link.send(frame)) this.refused++;
    } catch (error) {
      if (!(error instanceof LabError)) throw error;
      this.refused++;
    }
  }

  #set(way: Way | undefined, isCut: boolean): void {
    if (way !== 'out') this.in.isCut = isCut;
    if (way !== 'in') this.out.isCut = isCut;
  }
}

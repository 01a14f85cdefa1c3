/** The machines that a target and its clients run on, and the hub that joins them. */

import type { Host } from '../../hosts/host/host.js';
import { makeWire, makeWireInPlace, removeWire, type Wire } from '../../hosts/host/namespace.js';
import type { Mac } from '../../wire/aoe/index.js';
import { Hub, type HubPort } from '../../wire/link/hub.js';
import type { Link } from '../../wire/link/link.js';
import { openPacketLink } from '../../wire/link/packet.js';
import { connectStream } from '../../wire/link/stream-open.js';
import { bootGuest, type Guest, type GuestOptions } from '../vm/index.js';
import { removeAbandoned } from './abandoned.js';
import { makeRunFolder } from './run-folder.js';

export interface TestbedOptions {
  /** Part of the names of what is made, such as `verify`. */
  purpose: string;
  /** Bytes, of the wire. */
  mtu: number;
  /** Closes it. */
  signal?: AbortSignal | undefined;
}

/** Where a target is exported, and its port of the hub. */
export interface Stand {
  host: Host;
  iface: string;
  netns: string | undefined;
  port: HubPort;
}

/** A guest and its port of the hub. */
interface Machine {
  guest: Guest;
  port: HubPort;
  /** As if its power were cut: what it has in memory is lost. May be called twice. */
  end(): Promise<void>;
}

type MachineOptions = Omit<GuestOptions, 'links' | 'signal'> & { mac?: string | undefined };

/** Everything is made in `open` or later, and taken away by `close`, in the opposite order. */
export class Testbed {
  readonly hub = new Hub();
  /** For backing files. */
  readonly folder: string;
  readonly #host: Host;
  readonly #purpose: string;
  readonly #mtu: number;
  readonly #undo: (() => Promise<unknown>)[] = [];
  /** Guests that are there or on their way: one that came up after the end would stay. */
  readonly #guests: Promise<unknown>[] = [];
  readonly #end = new AbortController();
  #closed: Promise<void> | undefined;

  private constructor(host: Host, { purpose, mtu }: TestbedOptions, folder: string) {
    this.#host = host;
    this.#purpose = purpose;
    this.#mtu = mtu;
    this.folder = folder;
  }

  /** Removes what killed runs of the same purpose have left, too. */
  static async open(host: Host, options: TestbedOptions): Promise<Testbed> {
    options.signal?.throwIfAborted();
    await removeAbandoned(host, options.purpose);
    const folder = await makeRunFolder(options.purpose);
    const testbed = new Testbed(host, options, folder.path);
    testbed.later(() => folder.remove());
    testbed.later(() => testbed.hub.close());
    const abort = (): void => void testbed.close().catch(() => {});
    options.signal?.addEventListener('abort', abort);
    testbed.later(async () => options.signal?.removeEventListener('abort', abort));
    return testbed;
  }

  /** Has something undone by `close`. */
  later(undo: () => Promise<unknown>): void {
    this.#undo.push(undo);
  }

  /** A wire on this machine. @param inPlace in the namespace of this process */
  async wire(inPlace = false, purpose = this.#purpose): Promise<Wire> {
    const wire = inPlace
      ? await makeWireInPlace(this.#host, this.#mtu)
      : await makeWire(this.#host, purpose, this.#mtu);
    this.later(() => removeWire(this.#host, wire));
    return wire;
  }

  /** A port of the hub for a program that speaks on an interface: the far end of a wire. @param name of the port */
  async outlet(purpose: string, name: string): Promise<{ iface: string; netns: string }> {
    const wire = await this.wire(false, purpose);
    const link = await openPacketLink({ iface: wire.target, netns: wire.netns, promiscuous: true });
    this.join(link, name);
    return { iface: wire.initiator, netns: wire.netns as string };
  }

  /** A place for a target on this machine: one end of a wire, whose other end is a port of the hub. */
  async here(inPlace: boolean): Promise<Stand> {
    // Guests are reached over the loopback interface.
    if (inPlace) await this.#host.run(['ip', 'link', 'set', 'lo', 'up']);
    const wire = await this.wire(inPlace);
    const link = await openPacketLink({ iface: wire.initiator, netns: wire.netns, promiscuous: true });
    return { host: this.#host, iface: wire.target, netns: wire.netns, port: this.join(link, 'target') };
  }

  /**
   * A guest whose only interface is a port of the hub.
   * @param mac of that. Default: one made up
   */
  guest(name: string, options: MachineOptions): Promise<Machine> {
    const machine = this.#guest(name, options);
    this.#guests.push(machine);
    return machine;
  }

  async #guest(name: string, { mac, ...options }: MachineOptions): Promise<Machine> {
    const links = [{ mac, mtu: this.#mtu }];
    const guest = await bootGuest({ ...options, links, signal: this.#end.signal });
    this.later(() => guest.stop());
    const [card] = guest.record.links;
    const link = await connectStream({ path: card?.socket ?? '' }, { mtu: this.#mtu });
    const port = this.join(link, name);
    const end = async (): Promise<void> => {
      port.leave();
      await link.close();
      await guest.stop();
    };
    return { guest, port, end };
  }

  /** Makes a link a port of the hub; it is closed with it. */
  join(link: Link, name: string): HubPort {
    const port = this.hub.join(link, { name });
    this.later(() => link.close());
    return port;
  }

  /** A link of this process to the hub. */
  plug(mac: Mac, name: string): Link {
    return this.hub.plug(mac, { name, mtu: this.#mtu });
  }

  /** May be called twice. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#end.abort();
    await Promise.allSettled(this.#guests);
    const faults: unknown[] = [];
    for (const undo of this.#undo.splice(0).reverse()) await undo().catch((error) => faults.push(error));
    if (faults.length > 0) throw faults[0];
  }
}

/** The machines of an acceptance run, and the hub that joins them. */
import { rm } from 'node:fs/promises';
import type { Host } from '../../host/host.js';
import { makeWire, makeWireInPlace, removeWire } from '../../host/namespace.js';
import { Hub, type HubPort } from '../../link/hub.js';
import type { Link } from '../../link/link.js';
import { openPacketLink } from '../../link/packet.js';
import { connectStream } from '../../link/stream-open.js';
import { bootGuest, type Guest, type GuestOptions } from '../../vm/index.js';
import { removeAbandoned } from '../abandoned.js';
import { makeRunFolder } from '../run-folder.js';

const PURPOSE = 'verify';

/** Where a target is exported, and its port of the hub. */
export interface Stand {
  host: Host;
  iface: string;
  netns: string | undefined;
  port: HubPort;
}

/** Everything is made in `open` or later, and taken away by `close`, in the opposite order. */
export class Theatre {
  readonly hub = new Hub();
  /** For backing files. */
  readonly folder: string;
  readonly #host: Host;
  readonly #mtu: number;
  readonly #undo: (() => Promise<unknown>)[] = [];
  /** Guests that are there or on their way: one that came up after the end would stay. */
  readonly #guests: Promise<unknown>[] = [];
  readonly #end = new AbortController();
  #closed: Promise<void> | undefined;

  private constructor(host: Host, mtu: number, folder: string) {
    this.#host = host;
    this.#mtu = mtu;
    this.folder = folder;
  }

  static async open(host: Host, mtu: number): Promise<Theatre> {
    await removeAbandoned(host, PURPOSE);
    const folder = await makeRunFolder(PURPOSE);
    const theatre = new Theatre(host, mtu, folder);
    theatre.later(() => rm(folder, { recursive: true, force: true }));
    theatre.later(() => theatre.hub.close());
    return theatre;
  }

  /** Has something undone by `close`. */
  later(undo: () => Promise<unknown>): void {
    this.#undo.push(undo);
  }

  /** A place for a target on this machine: one end of a pair, whose other end is a port of the hub. */
  async here(inPlace: boolean): Promise<Stand> {
    // Guests are reached over the loopback interface.
    if (inPlace) await this.#host.run(['ip', 'link', 'set', 'lo', 'up']);
    const wire = inPlace
      ? await makeWireInPlace(this.#host, this.#mtu)
      : await makeWire(this.#host, PURPOSE, this.#mtu);
    this.later(() => removeWire(this.#host, wire));
    const link = await openPacketLink({ iface: wire.initiator, netns: wire.netns, promiscuous: true });
    return { host: this.#host, iface: wire.target, netns: wire.netns, port: this.#join(link, 'target') };
  }

  /** A guest whose only interface is a port of the hub. */
  guest(name: string, options: GuestOptions): Promise<{ guest: Guest; port: HubPort }> {
    const guest = this.#guest(name, options);
    this.#guests.push(guest);
    return guest;
  }

  async #guest(name: string, options: GuestOptions): Promise<{ guest: Guest; port: HubPort }> {
    const guest = await bootGuest({ ...options, links: [{ mtu: this.#mtu }], signal: this.#end.signal });
    this.later(() => guest.stop());
    const [card] = guest.record.links;
    const link = await connectStream({ path: card?.socket ?? '' }, { mtu: this.#mtu });
    return { guest, port: this.#join(link, name) };
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

  #join(link: Link, name: string): HubPort {
    const port = this.hub.join(link, { name });
    this.later(() => link.close());
    return port;
  }
}

import type { Mac } from '../aoe/index.js';
import type { Link } from '../link/link.js';
import type { Quotas } from '../link/own-vlan.js';
import type { Served } from './served.js';
import { Station, sectorsPerFrame } from './station.js';

/** How the targets of one interface are reached. */
export interface Gateway {
  readonly name: string;
  readonly mac: Mac;
  readonly mtu: number;
  /** In words, for log and status: "receive ring, sendmmsg, io_uring". */
  readonly datapath: string;
  /** The targets behind it; may be set at any time, and no frame is lost by it. */
  served: readonly Served[];
  /** What passes of each station, where it limits them. */
  readonly quotas?: Quotas;
  announce(served: Served): void;
  /** Resolves when nothing is under way any more for a target that was taken out of `served`. */
  idle(served: Served): Promise<void>;
  /** Takes the place of one that had another MTU: whoever asks for more than fits now may not know yet. */
  follow(previous: Gateway): void;
  /** Sectors that its frames hold. */
  readonly maxSectors: number;
  /** Why it has to be opened anew, if it has to: the interface has another MTU or address, or is another one. */
  stale(): string | undefined;
  /** Answers what has come in, then closes. */
  close(): Promise<void>;
}

/**
 * Serves targets on any link: a packet socket, QEMU's stream, memory. Nothing in it waits for the medium, but it is not
 * the fast way (see ../native/fast).
 */
export class LinkGateway implements Gateway {
  readonly datapath = 'a frame at a time';
  readonly #link: Link;
  readonly #station: Station;
  #waiting: NodeJS.Immediate | undefined;

  constructor(link: Link) {
    this.#link = link;
    const port = {
      mac: link.mac,
      get maxSectors() {
        return sectorsPerFrame(link.mtu);
      },
    };
    this.#station = new Station(port, (frame) => this.#send(frame));
    const goOn = (): void => {
      this.#waiting = this.#station.goOn() ? setImmediate(goOn) : undefined;
    };
    this.#station.onWaiting = () => {
      this.#waiting ??= setImmediate(goOn);
    };
    link.onFrame = (frame) => this.#station.handle(frame);
  }

  get name(): string {
    return this.#link.name;
  }

  get mac(): Mac {
    return this.#link.mac;
  }

  get mtu(): number {
    return this.#link.mtu;
  }

  get maxSectors(): number {
    return sectorsPerFrame(this.#link.mtu);
  }

  follow(): void {}

  get served(): readonly Served[] {
    return this.#station.served;
  }

  set served(served: readonly Served[]) {
    this.#station.served = served;
  }

  announce(served: Served): void {
    this.#station.announce(served);
  }

  idle(): Promise<void> {
    return this.#station.idle();
  }

  stale(): undefined {
    return undefined;
  }

  async close(): Promise<void> {
    this.#link.onFrame = undefined;
    await this.#station.idle();
    await this.#link.close();
  }

  #send(frame: Buffer): boolean {
    try {
      return this.#link.send(frame);
    } catch {
      // The interface is gone, or a larger one has shrunk: to the initiator it is a lost frame.
      return false;
    }
  }
}

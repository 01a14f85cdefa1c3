import { LabError } from '../../base/errors.js';
import { ETHERNET_HEADER, type Mac } from '../aoe/ethernet.js';
import type { FrameListener, Link } from './link.js';

/**
 * An Ethernet segment in memory: each member hears what the others send, in the order it was sent, never within the
 * call of `send`. It loses nothing.
 */
export class MemorySegment {
  readonly mtu: number;
  readonly #members = new Set<MemoryLink>();
  #queue: { from: MemoryLink; frame: Buffer }[] = [];

  constructor(mtu = 1500) {
    this.mtu = mtu;
  }

  /** Adds a member. */
  join(mac: Mac, name = `memory${this.#members.size}`): Link {
    const link = new MemoryLink(this, mac, name);
    this.#members.add(link);
    return link;
  }

  /** @internal */
  transmit(from: MemoryLink, frame: Uint8Array): void {
    if (this.#queue.length === 0) setImmediate(() => this.#deliver());
    this.#queue.push({ from, frame: Buffer.from(frame) });
  }

  /** @internal */
  leave(link: MemoryLink): void {
    this.#members.delete(link);
  }

  #deliver(): void {
    const queue = this.#queue;
    this.#queue = [];
    for (const { from, frame } of queue) {
      for (const member of this.#members) {
        if (member !== from) member.onFrame?.(frame);
      }
    }
  }
}

class MemoryLink implements Link {
  readonly name: string;
  readonly mac: Mac;
  readonly trouble = undefined;
  onFrame: FrameListener | undefined;
  readonly #segment: MemorySegment;
  #closed = false;

  constructor(segment: MemorySegment, mac: Mac, name: string) {
    this.#segment = segment;
    this.mac = mac;
    this.name = name;
  }

  get mtu(): number {
    return this.#segment.mtu;
  }

  send(frame: Uint8Array): boolean {
    const tried = `sending a frame of ${frame.length} bytes on ${this.name}`;
    if (this.#closed) throw new LabError({ tried, happened: 'the link is closed' });
    if (frame.length > this.mtu + ETHERNET_HEADER) {
      throw new LabError({ tried, happened: `it is longer than the MTU of ${this.mtu} bytes allows` });
    }
    this.#segment.transmit(this, frame);
    return true;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.onFrame = undefined;
    this.#segment.leave(this);
  }
}

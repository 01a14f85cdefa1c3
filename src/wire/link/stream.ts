import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { LabError } from '../../base/errors.js';
import { ETHERNET_HEADER, type Mac } from '../aoe/ethernet.js';
import type { FrameListener, Link } from './link.js';
import { FrameReader, LENGTH_FIELD } from './stream-frames.js';

/** Where two programs of one machine meet: a Unix socket, or a TCP port of the loopback interface. */
export type StreamPlace = { path: string } | { port: number };

export interface StreamOptions {
  /** Source address. Default: a random, locally administered one. */
  mac?: Mac | undefined;
  /** Bytes behind the Ethernet header. Default: 1500. Longer frames that arrive are left out and counted. */
  mtu?: number | undefined;
  /** Bytes that wait for a peer that does not read, at most: beyond, frames are lost and counted. Default: 4 MiB. */
  queue?: number | undefined;
}

/** What passed a stream link. */
export interface StreamCounts {
  sent: number;
  received: number;
  /** Not sent: no peer, or one that does not read. */
  dropped: number;
  /** Left out on arrival: longer than the MTU allows. */
  oversized: number;
  /** Connections that have been there. */
  peers: number;
}

const DEFAULT_QUEUE = 4 << 20;

/** "127.0.0.1:4000", "/run/wire.sock" */
export function describePlace(place: StreamPlace): string {
  return 'path' in place ? place.path : `127.0.0.1:${place.port}`;
}

/** An address of one's own: locally administered, not a group's. */
function madeUpMac(): Mac {
  return 0x02_00_00_00_00_00 + randomBytes(5).readUIntBE(0, 5);
}

/**
 * A link over a stream socket as QEMU's `-netdev stream` speaks it. The peer may leave and another come: frames sent
 * meanwhile are lost, as with a cable pulled out. Made by listenStream and connectStream.
 */
export class StreamLink implements Link {
  readonly name: string;
  readonly mac: Mac;
  readonly mtu: number;
  onFrame: FrameListener | undefined;
  /** Called when a peer has come or gone. */
  onPeer: ((isThere: boolean) => void) | undefined;
  trouble: string | undefined = 'no peer is connected';
  readonly #counts = { sent: 0, received: 0, dropped: 0, peers: 0 };
  readonly #queue: number;
  readonly #reader: FrameReader;
  readonly #onClose: () => Promise<void>;
  #socket: Socket | undefined;
  #isCorked = false;
  #closed = false;
  #waiting: (() => void)[] = [];

  /** @param onClose gives back what the socket came from */
  constructor(name: string, options: StreamOptions, onClose: () => Promise<void>) {
    this.name = name;
    this.mac = options.mac ?? madeUpMac();
    this.mtu = options.mtu ?? 1500;
    this.#queue = options.queue ?? DEFAULT_QUEUE;
    this.#onClose = onClose;
    this.#reader = new FrameReader(this.mtu + ETHERNET_HEADER, (frame) => {
      this.#counts.received++;
      this.onFrame?.(frame);
    });
  }

  get counts(): StreamCounts {
    return { ...this.#counts, oversized: this.#reader.oversized };
  }

  get isConnected(): boolean {
    return this.#socket !== undefined;
  }

  /** Resolved when a peer is there, or the link is closed. */
  connected(): Promise<void> {
    if (this.#socket !== undefined || this.#closed) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  send(frame: Uint8Array): boolean {
    const tried = `sending a frame of ${frame.length} bytes on ${this.name}`;
    if (this.#closed) throw new LabError({ tried, happened: 'the link is closed' });
    if (frame.length > this.mtu + ETHERNET_HEADER) {
      throw new LabError({ tried, happened: `it is longer than the MTU of ${this.mtu} bytes allows` });
    }
    const socket = this.#socket;
    // Why there is none has been said when it left.
    if (socket === undefined) return this.#drop(this.trouble ?? 'no peer is connected');
    if (socket.writableLength > this.#queue)
      return this.#drop('the send queue is full: the peer does not read');
    const bytes = Buffer.allocUnsafe(LENGTH_FIELD + frame.length);
    bytes.writeUInt32BE(frame.length, 0);
    bytes.set(frame, LENGTH_FIELD);
    this.#cork(socket);
    socket.write(bytes);
    this.#counts.sent++;
    this.trouble = undefined;
    return true;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.onFrame = undefined;
    this.onPeer = undefined;
    // What was sent is sent: the socket ends when its queue is empty, and is not waited for where nobody reads.
    this.#socket?.destroySoon();
    this.#socket = undefined;
    this.#wake();
    await this.#onClose();
  }

  /** Takes a connection as the peer. @internal */
  attach(socket: Socket): void {
    this.#socket = socket;
    this.#isCorked = false;
    this.#counts.peers++;
    this.trouble = undefined;
    this.#reader.reset();
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => {
      if (this.#socket !== socket || this.#reader.push(chunk)) return;
      socket.destroy();
      this.#detach(socket, 'the peer sent what is no stream of frames');
    });
    socket.on('error', (error) => this.#detach(socket, `the connection broke: ${error.message}`));
    socket.on('close', () => this.#detach(socket, 'the peer has left'));
    this.#wake();
    this.onPeer?.(true);
  }

  #detach(socket: Socket, trouble: string): void {
    if (this.#socket !== socket) return;
    this.#socket = undefined;
    this.trouble = trouble;
    this.onPeer?.(false);
  }

  #drop(trouble: string): false {
    this.trouble = trouble;
    this.#counts.dropped++;
    return false;
  }

  /** Frames sent in one go leave in one call. */
  #cork(socket: Socket): void {
    if (this.#isCorked) return;
    this.#isCorked = true;
    socket.cork();
    process.nextTick(() => {
      this.#isCorked = false;
      socket.uncork();
    });
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

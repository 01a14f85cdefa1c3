// The global is looked up at each use.
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { MissingError } from '../../../base/errors.js';
import { ETHERNET_HEADER, type Mac } from '../../aoe/index.js';
import { FRAME_OFFSET } from '../../link/frame-memory.js';
import { type FrameSource, ReceiveCalls, ReceiveRing2 } from '../../link/frame-source.js';
import { type InterfaceFacts, interfaceFacts } from '../../link/interface.js';
import { hearOwnVlan, type Quotas } from '../../link/own-vlan.js';
import { openPacketSocket, type PacketSocket } from '../../link/packet.js';
import type { Gateway } from '../gateway.js';
import type { Served } from '../served.js';
import { Station, sectorsPerFrame } from '../station.js';
import type { Driven, Engine } from './engine.js';
import { HotPath } from './hot-path.js';
import { DISPATCH } from './registry.js';
import { BATCH, type Replies } from './replies.js';
import { Shares } from './shares.js';
import { WORD } from './words.js';

const SOL_SOCKET = 1;
const SO_ERROR = 4;
/** Batches that are still taken when it is closed. */
const ROUNDS = 16;
/** Milliseconds for which answers are waited for when it is closed. */
const PATIENCE = 2000;
/** Looks one after another; then it is slow, and the processor is left to others. */
const QUICK = 1000;
/** Milliseconds between two looks whether they have come after that. */
const LOOK = 500;
/** Milliseconds after a change of the MTU in which requests that fitted before are not refused. */
const GRACE = 30_000;
/** Milliseconds that a frame costs by the fast way. */
const FAST = 0.005;
/** What goes the portable way has costs beside the time in which it is taken. */
const PORTABLE = 2;
/** Milliseconds between two looks at the shares while stations are limited, although nothing may come. */
const RECKONING = 100;

export interface FastOptions {
  /** False: frames by recvmmsg. */
  ring?: boolean | undefined;
}

/** One interface served the fast way: sectors by `HotPath`, everything else by `Station`. */
export class FastGateway implements Gateway, Driven {
  readonly name: string;
  readonly fd: number;
  readonly datapath: string;
  readonly maxSectors: number;
  readonly #engine: Engine;
  readonly #iface: string;
  readonly #facts: InterfaceFacts;
  readonly #source: FrameSource;
  readonly #replies: Replies;
  readonly #hot: HotPath;
  readonly #station: Station;
  readonly #shares = new Shares(performance.now());
  #reckoning: NodeJS.Timeout | undefined;
  /** Sectors that frames held before the MTU was changed; 0 a while later. */
  #lately = 0;
  #draining = false;
  #closed = false;

  /** @throws MissingError, UsageError as `openPacketLink` */
  static async open(engine: Engine, iface: string, options: FastOptions = {}): Promise<FastGateway> {
    let source: FrameSource | undefined;
    const socket = await openPacketSocket({ iface }, (fd, facts) => {
      source = openSource(engine, fd, facts.mtu + ETHERNET_HEADER, options.ring ?? true);
    });
    return new FastGateway(engine, iface, socket, source as unknown as FrameSource);
  }

  private constructor(engine: Engine, iface: string, socket: PacketSocket, source: FrameSource) {
    const { fd, name, facts } = socket;
    this.#engine = engine;
    this.#iface = iface;
    this.fd = fd;
    this.name = name;
    this.#facts = facts;
    this.#source = source;
    this.datapath = `${source.kind}, sendmmsg, ${engine.uring ? 'io_uring' : 'thread pool'}`;
    const { mac, mtu } = facts;
    const maxSectors = sectorsPerFrame(mtu);
    this.maxSectors = maxSectors;
    const lately = () => this.#lately;
    const port = {
      mac,
      maxSectors,
      get lately() {
        return lately();
      },
      isFamiliar: (one: Mac) => this.#shares.isFamiliar(one),
    };
    this.#station = new Station(port, (frame) => this.#send(frame));
    this.#station.onError = (error) => engine.onError(error);
    this.#hot = new HotPath(engine, { fd, mac, maxSectors, source }, (request) => this.#handle(request));
    this.#replies = this.#hot.replies;
    engine.completion = DISPATCH;
    engine.add(this);
  }

  get mac(): Mac {
    return this.#facts.mac;
  }

  get mtu(): number {
    return this.#facts.mtu;
  }

  get served(): readonly Served[] {
    return this.#station.served;
  }

  set served(served: readonly Served[]) {
    this.#station.served = served;
    this.#hot.serve(served);
  }

  get quotas(): Quotas {
    return this.#shares.quotas;
  }

  announce(served: Served): void {
    this.#station.announce(served);
    this.flush();
  }

  async idle(served: Served): Promise<void> {
    await this.#station.idle();
    while (this.#hot.holds(served)) await this.#engine.turn();
  }

  follow(previous: Gateway): void {
    this.#lately = previous.maxSectors;
    setTimeout(() => {
      this.#lately = 0;
    }, GRACE).unref();
  }

  stale(): string | undefined {
    try {
      const { index, mac, mtu } = interfaceFacts(this.#engine.c, this.fd, this.#iface, () => []);
      if (index !== this.#facts.index) return 'it is another interface of the same name';
      if (mac !== this.#facts.mac) return 'its address has changed';
      return mtu === this.#facts.mtu ? undefined : `its MTU is ${mtu} now`;
    } catch (error) {
      // While it is down nothing is to be done: the socket hears again when it is up.
      return error instanceof MissingError ? undefined : 'it is gone';
    }
  }

  async close(): Promise<void> {
    // What waits in the queue is answered; what comes meanwhile belongs to whoever follows.
    for (let rounds = 0; rounds < ROUNDS && this.serve(); rounds++) await this.#engine.turn();
    this.#draining = true;
    clearInterval(this.#reckoning);
    const deadline = performance.now() + PATIENCE;
    for (let turns = 0; this.#isBusy && performance.now() < deadline; turns++) {
      this.#station.goOn();
      this.flush();
      await (turns < QUICK ? this.#engine.turn() : sleep(1));
    }
    this.#closed = true;
    this.#replies.isClosed = true;
    this.#engine.remove(this);
    this.#source.close();
    this.#engine.c.close(this.fd);
    void this.#forget();
  }

  get #isBusy(): boolean {
    return !this.#station.isIdle || !this.#replies.idle;
  }

  /** The kernel may yet write into the memory of answers that a disk keeps waiting: until then it stays where it is. */
  async #forget(): Promise<void> {
    for (;;) {
      this.flush();
      if (this.#replies.idle) break;
      await sleep(LOOK, undefined, { ref: false });
    }
    this.#hot.close();
  }

  get pending(): boolean {
    // Of the two sources only the ring can be looked at without a call.
    return this.#source instanceof ReceiveRing2 && this.#source.next() !== 0;
  }

  get prepared(): number {
    return this.#hot.prepared;
  }

  serve(): boolean {
    if (this.#draining) return false;
    const source = this.#source;
    const { words } = source.memory;
    let count = 0;
    for (; count < BATCH; count++) {
      const length = this.#replies.slots.free === 0 ? 0 : source.next();
      if (length === 0) break;
      const start = source.slot * source.slotLength + FRAME_OFFSET;
      const at = start / 4;
      let cost = FAST;
      try {
        if (!this.#hot.take(length)) cost = this.#takePortable(start, length);
      } catch (error) {
        this.#engine.onError(error);
      }
      this.#shares.spend(words[at + WORD.middle] as number, words[at + WORD.source] as number, cost);
      source.advance();
    }
    this.#hot.carryOutWrites();
    if (count > 0) {
      const now = this.#shares.wantsLook ? performance.now() : undefined;
      const isDue = now !== undefined && this.#shares.isDue(count < BATCH, now);
      const age = isDue ? source.age() : 0;
      source.release();
      if (isDue) this.#shareOut(now, age);
    }
    // Behind what asks one export alone, however much of that comes.
    return this.#station.goOn() || count === BATCH;
  }

  /** Handles the frame at hand the portable way. @returns what it cost */
  #takePortable(start: number, length: number): number {
    const began = performance.now();
    // What it asks for, a flush perhaps, comes after them.
    this.#hot.carryOutWrites();
    this.#handle(this.#source.memory.bytes.subarray(start, start + length));
    return PORTABLE * (performance.now() - began);
  }

  /** Has the kernel drop what stations ask for beyond their share while frames are lost. @param age how long the last one had waited */
  #shareOut(now: number, age: number): void {
    const quotas = this.#shares.reckon(this.#source.drops(), now, age);
    this.#keepReckoning();
    if (quotas === undefined) return;
    const { mac, index } = this.#facts;
    // Where the kernel refuses it, all share the queue as before.
    hearOwnVlan(this.#engine.c, this.fd, mac, index, quotas);
  }

  /** Who hardly passes, or has stopped, brings no frame that would have its limit looked at. */
  #keepReckoning(): void {
    if (!this.#shares.isLimiting) {
      clearInterval(this.#reckoning);
      this.#reckoning = undefined;
      return;
    }
    this.#reckoning ??= setInterval(() => {
      const now = performance.now();
      if (!this.#draining && this.#shares.isDue(!this.pending, now)) this.#shareOut(now, 0);
    }, RECKONING).unref();
  }

  begin(together: boolean): void {
    this.#hot.begin(together);
  }

  flush(): void {
    this.#replies.flush();
  }

  trouble(): void {
    const value = Buffer.alloc(4);
    this.#engine.c.getsockopt(this.fd, SOL_SOCKET, SO_ERROR, value, Buffer.from([4, 0, 0, 0]));
  }

  #handle(request: Buffer): void {
    this.#station.handle(request);
    if (this.#station.underWay > 0) this.#engine.giveWay();
  }

  /** An answer of the portable way. */
  #send(frame: Buffer): boolean {
    const fits = frame.length <= this.#facts.mtu + ETHERNET_HEADER;
    return !this.#closed && fits && this.#replies.enqueueCopy(frame);
  }
}

function openSource(engine: Engine, fd: number, frameLength: number, ring: boolean): FrameSource {
  if (ring) {
    try {
      return new ReceiveRing2(engine.c, fd, frameLength);
    } catch {
      // No memory for it, or an emulated kernel; `datapath` tells.
    }
  }
  return new ReceiveCalls(engine.c, fd, frameLength);
}

import {
  buildFrame,
  ETHERNET_HEADER,
  type Fault,
  type Frame,
  HeaderFlag,
  parseFrame,
  SECTOR,
} from '../aoe/index.js';
import { type Backing, BackingError } from './backing.js';
import { type Counters, countAnswer, countWritten } from './counters.js';
import type { IoFault, Port, Reaction } from './reaction.js';
import type { StateKeeper } from './state-store.js';
import type { NativeTarget } from './target.js';
import type { WriteOrder } from './write-order.js';

/** A target with what it works on. One that several interfaces serve is the same on all of them. */
export interface Served {
  target: NativeTarget;
  backing: Backing;
  keeper: StateKeeper;
  order: WriteOrder;
  counters: Counters;
}

/** Sectors that a frame on an interface holds: 36 bytes of headers and data share 14 + MTU; the count has one byte. */
export function sectorsPerFrame(mtu: number): number {
  return Math.max(0, Math.min(255, Math.floor((mtu + ETHERNET_HEADER - 36) / SECTOR)));
}

const RESPONSE_OFFSET = 14;
/** Sectors that a verify reads at a time. */
const VERIFY_CHUNK = 2048;

/** The targets at one port: hands them what comes in, does what they ask for, and sends their answers. */
export class Station {
  readonly #port: Port;
  readonly #send: (frame: Buffer) => boolean;
  #served: readonly Served[] = [];
  #underWay = 0;
  #whenIdle: (() => void)[] = [];

  /** @param send returns false if the frame could not be sent; must not keep it */
  constructor(port: Port, send: (frame: Buffer) => boolean) {
    this.#port = port;
    this.#send = send;
  }

  get served(): readonly Served[] {
    return this.#served;
  }

  set served(served: readonly Served[]) {
    this.#served = served;
  }

  /** Requests whose answers have not left. */
  get underWay(): number {
    return this.#underWay;
  }

  /** A frame that came in. @param bytes may be overwritten afterwards */
  handle(bytes: Buffer): void {
    if ((bytes[RESPONSE_OFFSET] ?? 0) & HeaderFlag.response) return;
    const frame = parseFrame(bytes);
    for (const served of this.#served) this.#ask(served, frame);
  }

  /** Tells all who may use a target that it is there. */
  announce({ target, counters }: Served): void {
    for (const frame of target.announcements(this.#port)) {
      if (!this.#send(buildFrame(frame))) counters.unsent++;
    }
  }

  /** Resolves when every request that came in has been answered. */
  idle(): Promise<void> {
    if (this.#underWay === 0) return Promise.resolve();
    return new Promise((resolve) => this.#whenIdle.push(resolve));
  }

  #ask(served: Served, frame: Frame | Fault): void {
    const { target, counters } = served;
    const reaction = target.react(frame, this.#port);
    if (reaction.kind === 'silence') {
      if (reaction.why === 'not-allowed') counters.refused++;
      else if (reaction.why === 'no-match') counters.requests++;
      return;
    }
    counters.requests++;
    const command = frame.kind === 'ata' ? frame.ata.cmdStatus : undefined;
    const reply = (answer: Frame): void => {
      countAnswer(counters, answer, command);
      if (!this.#send(buildFrame(answer))) counters.unsent++;
    };
    if (reaction.kind === 'answer') {
      reply(reaction.frame);
      return;
    }
    if (reaction.kind === 'keep' && reaction.state === served.keeper.kept) {
      reply(reaction.answer(true));
      return;
    }
    this.#underWay++;
    void carryOut(served, reaction)
      .then(reply)
      .finally(() => {
        this.#underWay--;
        if (this.#underWay > 0) return;
        for (const resolve of this.#whenIdle.splice(0)) resolve();
      });
  }
}

type Deferred = Exclude<Reaction, { kind: 'silence' | 'answer' }>;

async function carryOut(served: Served, reaction: Deferred): Promise<Frame> {
  const { target, backing, keeper, order } = served;
  switch (reaction.kind) {
    case 'keep': {
      const kept = await succeeds(keeper.keep(reaction.state));
      if (!kept && target.state === reaction.state) target.state = keeper.kept;
      return reaction.answer(kept);
    }
    case 'measure':
      return reaction.answer(await outcomeOf(backing.measure()));
    case 'read':
      return reaction.answer(await outcomeOf(backing.read(reaction.sector, reaction.count)));
    case 'verify':
      return reaction.answer(await faultOf(verify(backing, reaction.sector, reaction.count)));
    case 'write': {
      const { sector } = reaction;
      const data = Buffer.from(reaction.data);
      const count = data.length / SECTOR;
      const fault = await new Promise<IoFault | undefined>((resolve) => {
        order.write(sector, count, (done) => {
          void faultOf(backing.write(sector, data)).then((outcome) => {
            done();
            resolve(outcome);
          });
        });
      });
      if (fault === undefined) countWritten(served.counters, count);
      return reaction.answer(fault);
    }
    case 'flush': {
      await new Promise<void>((resolve) => order.flush(resolve));
      return reaction.answer(await faultOf(backing.flush()));
    }
  }
}

async function verify(backing: Backing, sector: number, count: number): Promise<void> {
  for (let done = 0; done < count; done += VERIFY_CHUNK) {
    await backing.read(sector + done, Math.min(VERIFY_CHUNK, count - done));
  }
}

async function succeeds(operation: Promise<unknown>): Promise<boolean> {
  return operation.then(
    () => true,
    () => false,
  );
}

function outcomeOf<T>(operation: Promise<T>): Promise<T | IoFault> {
  return operation.catch(asFault);
}

function faultOf(operation: Promise<void>): Promise<IoFault | undefined> {
  return operation.then(() => undefined, asFault);
}

function asFault(error: unknown): IoFault {
  return error instanceof BackingError ? error.fault : 'media';
}

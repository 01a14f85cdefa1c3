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
import type { FaultCount, IoFaults } from './io-faults.js';
import type { Medium } from './medium.js';
import type { IoFailure, Port, Reaction } from './reaction.js';
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
  medium: Medium;
  faults: IoFaults;
}

/** Sectors that a frame on an interface holds: 36 bytes of headers and data share 14 + MTU; the count has one byte. */
export function sectorsPerFrame(mtu: number): number {
  return Math.max(0, Math.min(255, Math.floor((mtu + ETHERNET_HEADER - 36) / SECTOR)));
}

const RESPONSE_OFFSET = 14;
/** Sectors that a verify reads at a time. */
const VERIFY_CHUNK = 2048;
/** Requests of one export that may wait for its disk; what comes beyond that is lost, as in a queue of the network's. */
const MOST = 1024;
/** Lines that are written of frames that could not be handled. */
const MOST_LINES = 8;

/** The targets at one port: hands them what comes in, does what they ask for, and sends their answers. */
export class Station {
  readonly #port: Port;
  readonly #send: (frame: Buffer) => boolean;
  #served: readonly Served[] = [];
  #underWay = 0;
  #whenIdle: (() => void)[] = [];
  #lines = 0;

  /** @param send returns false if the frame could not be sent; must not keep it */
  constructor(port: Port, send: (frame: Buffer) => boolean) {
    this.#port = port;
    this.#send = send;
  }

  /** What was thrown while a frame was handled, which is then lost. */
  onError: (error: unknown) => void = () => {};

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
    try {
      const frame = parseFrame(bytes);
      for (const served of this.#served) this.#ask(served, frame);
    } catch (error) {
      this.#lose(error);
    }
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
      if (reaction.why === 'not-allowed' || reaction.why === 'undirected') counters.refused++;
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
    if (served.medium.underWay >= MOST) {
      counters.unsent++;
      return;
    }
    this.#underWay++;
    void carryOut(served, reaction)
      .then(reply)
      .catch((error) => this.#lose(error))
      .finally(() => {
        this.#underWay--;
        if (this.#underWay > 0) return;
        for (const resolve of this.#whenIdle.splice(0)) resolve();
      });
  }

  /** One frame must not end the service of the others, nor fill the log. */
  #lose(error: unknown): void {
    this.#lines++;
    if (this.#lines <= MOST_LINES) this.onError(error);
  }
}

type Deferred = Exclude<Reaction, { kind: 'silence' | 'answer' }>;

async function carryOut(served: Served, reaction: Deferred): Promise<Frame> {
  const { target, backing, medium, keeper, order } = served;
  switch (reaction.kind) {
    case 'keep': {
      const kept = await succeeds(keeper.keep(reaction.state));
      if (!kept && target.state === reaction.state) target.state = keeper.kept;
      return reaction.answer(kept);
    }
    case 'measure':
      return reaction.answer(await medium.during(backing.measure()).catch(asFailure));
    case 'read': {
      const { sector, count } = reaction;
      const reading = medium.during(readSectors(backing, sector, count));
      return reaction.answer(await reading.catch((error) => failed(served, 'read', error)));
    }
    case 'verify': {
      const { sector, count } = reaction;
      const reading = medium.during(verify(backing, sector, count)).then(() => undefined);
      return reaction.answer(await reading.catch((error) => failed(served, 'read', error)));
    }
    case 'write': {
      const { sector } = reaction;
      const data = Buffer.from(reaction.data);
      const count = data.length / SECTOR;
      medium.begin();
      const failure = await new Promise<IoFailure | undefined>((resolve) => {
        order.write(sector, count, (done) => {
          void backing
            .write(sector, data)
            .then(
              () => undefined,
              (error) => failed(served, 'write', error, sector),
            )
            .then((outcome) => {
              done();
              resolve(outcome);
            });
        });
      });
      medium.end();
      if (failure === undefined) countWritten(served.counters, count);
      return reaction.answer(failure);
    }
    case 'flush': {
      medium.begin();
      await new Promise<void>((resolve) => order.flush(resolve));
      const flushing = backing.flush().then(() => undefined);
      const failure = await flushing.catch((error) => failed(served, 'flush', error));
      medium.end();
      return reaction.answer(failure);
    }
  }
}

/** Reads sectors; of those that the medium can't give the first one is named. @throws BadSector, BackingError */
async function readSectors(backing: Backing, sector: number, count: number): Promise<Buffer> {
  try {
    return await backing.read(sector, count);
  } catch (error) {
    if (!(error instanceof BackingError) || error.fault !== 'media') throw error;
    if (count === 1) throw new BadSector(sector, error);
  }
  const parts: Buffer[] = [];
  for (let index = 0; index < count; index++) parts.push(await readSectors(backing, sector + index, 1));
  return Buffer.concat(parts);
}

async function verify(backing: Backing, sector: number, count: number): Promise<void> {
  for (let done = 0; done < count; done += VERIFY_CHUNK) {
    await readSectors(backing, sector + done, Math.min(VERIFY_CHUNK, count - done));
  }
}

/** A sector that the medium can't give. */
class BadSector extends BackingError {
  readonly sector: number;

  constructor(sector: number, { fault, message, code }: BackingError) {
    super(fault, message, code);
    this.sector = sector;
  }
}

async function succeeds(operation: Promise<unknown>): Promise<boolean> {
  return operation.then(
    () => true,
    () => false,
  );
}

/** Counts a failed operation. @param sector where it began */
function failed(
  { faults }: Served,
  operation: FaultCount['operation'],
  error: unknown,
  sector?: number,
): IoFailure {
  const failure = asFailure(error);
  const code = (error instanceof BackingError ? error.code : undefined) ?? failure.fault;
  // The end of a file that has shrunk is no fault of its disk.
  if (failure.fault !== 'beyond') faults.record(operation, code, failure.sector ?? sector ?? null);
  return failure;
}

function asFailure(error: unknown): IoFailure {
  if (error instanceof BadSector) return { fault: error.fault, sector: error.sector };
  return { fault: error instanceof BackingError ? error.fault : 'media' };
}

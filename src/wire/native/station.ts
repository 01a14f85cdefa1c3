import {
  ALL_SHELVES,
  ALL_SLOTS,
  buildFrame,
  ETHERNET_HEADER,
  type Fault,
  type Frame,
  HeaderFlag,
  type Mac,
  parseFrame,
  SECTOR,
} from '../aoe/index.js';
import { BackingError } from './backing.js';
import { Broadcasts, PIECE } from './broadcasts.js';
import { Changes } from './changes.js';
import { countAnswer, countWritten } from './counters.js';
import type { FaultCount } from './io-faults.js';
import { announcements, react } from './react.js';
import type { IoFailure, Port, Reaction } from './reaction.js';
import type { Served } from './served.js';
import { SharedLook } from './shared-look.js';
import { accountsAt } from './strangers.js';
import { UnderWay } from './under-way.js';
import { BadSector, readSectors, Verifies } from './verifies.js';

/** Sectors that a frame on an interface holds: 36 bytes of headers and data share 14 + MTU; the count has one byte. */
export function sectorsPerFrame(mtu: number): number {
  return Math.max(0, Math.min(255, Math.floor((mtu + ETHERNET_HEADER - 36) / SECTOR)));
}

const RESPONSE_OFFSET = 14;
/** Lines that are written of frames that could not be handled. */
const MOST_LINES = 8;

/** The targets at one port: hands them what comes in, does what they ask for, and sends their answers. */
export class Station {
  readonly #port: Port;
  readonly #send: (frame: Buffer) => boolean;
  #served: readonly Served[] = [];
  /** The same by shelf and slot. */
  #addresses = new Map<number, Served[]>();
  readonly #underWay: UnderWay;
  readonly #changes: Changes;
  readonly #broadcasts: Broadcasts;
  readonly #verifies = new Verifies();
  #whenIdle: (() => void)[] = [];
  #lines = 0;

  /**
   * @param send returns false if the frame could not be sent; must not keep it
   * @param now milliseconds
   */
  constructor(port: Port, send: (frame: Buffer) => boolean, now: () => number = () => performance.now()) {
    this.#port = port;
    const accountOf = accountsAt(port);
    this.#underWay = new UnderWay(accountOf);
    this.#changes = new Changes(accountOf);
    this.#broadcasts = new Broadcasts(accountOf, now);
    this.#send = send;
  }

  /** Called when there is a reason to call `goOn`. */
  onWaiting: () => void = () => {};

  /** What was thrown while a frame was handled, which is then lost. */
  onError: (error: unknown) => void = () => {};

  get served(): readonly Served[] {
    return this.#served;
  }

  set served(served: readonly Served[]) {
    this.#served = served;
    this.#addresses = new Map();
    for (const one of served) {
      const { shelf, slot } = one.target.address;
      const key = keyOf(shelf, slot);
      this.#addresses.set(key, [...(this.#addresses.get(key) ?? []), one]);
    }
  }

  /** Requests whose answers have not left. */
  get underWay(): number {
    return this.#underWay.count;
  }

  get isIdle(): boolean {
    return this.#underWay.count === 0 && this.#broadcasts.count === 0;
  }

  /** A frame that came in. @param bytes may be overwritten afterwards */
  handle(bytes: Buffer): void {
    if ((bytes[RESPONSE_OFFSET] ?? 0) & HeaderFlag.response) return;
    try {
      const frame = parseFrame(bytes);
      const meant = this.#meant(frame);
      if (meant.length > PIECE) this.#askLater(meant, bytes);
      else for (const served of meant) this.#ask(served, frame);
    } catch (error) {
      this.#lose(error);
    }
  }

  /** Those whom a frame may be for: of very many not all are asked. */
  #meant({ header }: Frame | Fault): readonly Served[] {
    if (header === undefined) return [];
    const { major, minor } = header;
    const isToAll = major === ALL_SHELVES || minor === ALL_SLOTS;
    if (!isToAll) return this.#addresses.get(keyOf(major, minor)) ?? [];
    return this.#served.filter(({ target }) => target.isAddressed(major, minor));
  }

  /** A frame to many waits until nothing else does: `goOn` has it asked. */
  #askLater(meant: readonly Served[], bytes: Buffer): void {
    const frame = parseFrame(Buffer.from(bytes));
    if (frame.kind !== 'fault' && this.#broadcasts.add(frame, meant)) this.onWaiting();
  }

  /** Has some of those asked whom waiting frames are for. @returns whether there are more */
  goOn(): boolean {
    if (this.#broadcasts.count === 0) return false;
    const { frame, served } = this.#broadcasts.next() as { frame: Frame; served: Served[] };
    try {
      // Others have been taken away meanwhile.
      for (const one of served) if (this.#served.includes(one)) this.#ask(one, frame);
    } catch (error) {
      this.#lose(error);
    }
    this.#tellIdle();
    return this.#broadcasts.count > 0;
  }

  /** Tells all who may use a target that it is there. */
  announce({ target, counters }: Served): void {
    for (const frame of announcements(target, this.#port)) {
      if (!this.#send(buildFrame(frame))) counters.unsent++;
    }
  }

  /** Resolves when every request that came in has been answered. */
  idle(): Promise<void> {
    if (this.isIdle) return Promise.resolve();
    return new Promise((resolve) => this.#whenIdle.push(resolve));
  }

  #ask(served: Served, frame: Frame | Fault): void {
    const { target, counters } = served;
    const reaction = react(target, frame, this.#port);
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
    // What is not silence has both.
    const { ethernet, header } = frame as Frame;
    const { source } = ethernet;
    const end = this.#underWay.begin(served, source);
    const endChange = reaction.kind === 'keep' ? this.#changes.begin(source) : () => {};
    if (end === undefined || endChange === undefined) {
      end?.();
      endChange?.();
      counters.unsent++;
      return;
    }
    // Not before: what is dropped has changed nothing.
    if (reaction.kind === 'keep') target.state = reaction.state;
    const { tag } = header;
    void this.#carryOut(served, reaction, source, tag)
      .then((answer) => {
        if (answer === undefined) counters.unsent++;
        else reply(answer);
      })
      .catch((error) => this.#lose(error))
      .finally(() => {
        end();
        endChange();
        this.#tellIdle();
      });
  }

  #tellIdle(): void {
    if (this.isIdle) for (const resolve of this.#whenIdle.splice(0)) resolve();
  }

  /** @returns undefined where there is no room for it */
  async #carryOut(served: Served, reaction: Deferred, source: Mac, tag: number): Promise<Frame | undefined> {
    if (reaction.kind !== 'verify') return carryOut(served, reaction);
    const { sector, count } = reaction;
    const verifying = this.#verifies.take(served, { source, tag, sector, count });
    if (verifying === undefined) return undefined;
    return reaction.answer(
      await verifying.then(
        () => undefined,
        (error) => failed(served, 'read', error),
      ),
    );
  }

  /** One frame must not end the service of the others, nor fill the log. */
  #lose(error: unknown): void {
    this.#lines++;
    if (this.#lines <= MOST_LINES) this.onError(error);
  }
}

type Deferred = Exclude<Reaction, { kind: 'silence' | 'answer' }>;

async function carryOut(served: Served, reaction: Exclude<Deferred, { kind: 'verify' }>): Promise<Frame> {
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
      if (sector === 0) served.trials.count++;
      const reading = medium.during(readSectors(backing, sector, count));
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
    case 'flush':
      return reaction.answer(await flushOf(served).ask());
  }
}

/** One flush of an export is under way at a time; those who ask meanwhile share the next one, which holds their writes too. */
function flushOf(served: Served): SharedLook<IoFailure | undefined> {
  let shared = flushes.get(served);
  if (shared === undefined) {
    shared = new SharedLook(() => flush(served));
    flushes.set(served, shared);
  }
  return shared;
}

const flushes = new WeakMap<Served, SharedLook<IoFailure | undefined>>();

async function flush(served: Served): Promise<IoFailure | undefined> {
  const { backing, medium, order } = served;
  medium.begin();
  await new Promise<void>((resolve) => order.flush(resolve));
  const flushing = backing.flush().then(() => undefined);
  const failure = await flushing.catch((error) => failed(served, 'flush', error));
  medium.end();
  return failure;
}

function keyOf(shelf: number, slot: number): number {
  return shelf * 256 + slot;
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

import type { Syscalls } from '../../../base/libc/syscalls.js';
import { allocate, type Memory, putAddress } from '../../link/frame-memory.js';

/** struct iocb and struct io_event (linux/aio_abi.h), in words. */
const IOCB = { words: 16, data: 0, opcode: 4, fd: 5, buffer: 6, length: 8, offset: 10 };
const EVENT = { words: 8, data: 0, result: 4, resultHigh: 5 };
const CMD_PWRITE = 1;
/** The context is the address of struct aio_ring (fs/aio.c): id, nr, head, tail, magic, …, 32 bytes; then the events. */
const RING = { nr: 1, head: 2, tail: 3, magic: 4, words: 8 };
const MAGIC = 0xa10a10a1;

/**
 * Writes into the page cache, many by one call. io_submit(2) carries them out at once and in their order, whereas io_uring
 * hands those of most file systems to another thread; what is done is read off memory.
 */
export class WriteBatch {
  readonly capacity: number;
  count = 0;
  readonly #c: Syscalls;
  /** 0 where the system has no such calls: then it is a call for each. */
  readonly #context: number;
  readonly #ring: Uint32Array | undefined;
  readonly #iocbs: Memory;
  readonly #pointers: Memory;
  readonly #events: Memory;
  readonly #results: Float64Array;

  constructor(c: Syscalls, capacity: number) {
    this.#c = c;
    this.capacity = capacity;
    this.#iocbs = allocate(c, capacity * IOCB.words * 4);
    this.#pointers = allocate(c, capacity * 8);
    this.#events = allocate(c, capacity * EVENT.words * 4);
    this.#results = new Float64Array(capacity);
    for (let index = 0; index < capacity; index++) {
      const at = index * IOCB.words;
      this.#iocbs.words[at + IOCB.data] = index;
      this.#iocbs.words[at + IOCB.opcode] = CMD_PWRITE;
      putAddress(this.#pointers.words, 2 * index, this.#iocbs.address + 4 * at);
    }
    this.#context = setUp(c, capacity);
    this.#ring = this.#context === 0 ? undefined : ringOf(c, this.#context);
  }

  /** Adds a write, whose data must stay as it is until `carryOut`; there must be room. */
  add(fd: number, from: number, length: number, offset: number): void {
    const { words } = this.#iocbs;
    const at = this.count * IOCB.words;
    words[at + IOCB.fd] = fd;
    putAddress(words, at + IOCB.buffer, from);
    words[at + IOCB.length] = length;
    putAddress(words, at + IOCB.offset, offset);
    this.count++;
  }

  /** @returns of each write the bytes written; an error is a negative number */
  carryOut(): Float64Array {
    const { count } = this;
    this.count = 0;
    let submitted = 0;
    if (count > 1 && this.#context !== 0) {
      submitted = Math.max(0, this.#c.ioSubmit(this.#context, count, this.#pointers.address));
      this.#collect(submitted);
    }
    for (let index = submitted; index < count; index++) this.#results[index] = this.#write(index);
    return this.#results;
  }

  #write(index: number): number {
    const { words } = this.#iocbs;
    const at = index * IOCB.words;
    const address = (field: number): number =>
      (words[at + field] as number) + (words[at + field + 1] as number) * 2 ** 32;
    const fd = words[at + IOCB.fd] as number;
    const length = words[at + IOCB.length] as number;
    return this.#c.pwrite(fd, address(IOCB.buffer), length, address(IOCB.offset));
  }

  #collect(count: number): void {
    let done = this.#ring === undefined ? 0 : this.#reap(this.#ring, count);
    while (done < count) {
      const got = this.#c.ioGetEvents(this.#context, count - done, count - done, this.#events.address);
      for (let index = 0; index < got; index++) this.#take(this.#events.words, index * EVENT.words);
      // Interrupted by a signal otherwise.
      if (got > 0) done += got;
    }
  }

  #reap(ring: Uint32Array, count: number): number {
    const nr = ring[RING.nr] as number;
    let head = ring[RING.head] as number;
    const tail = Atomics.load(ring, RING.tail);
    let done = 0;
    for (; head !== tail && done < count; done++) {
      this.#take(ring, RING.words + head * EVENT.words);
      head = head + 1 === nr ? 0 : head + 1;
    }
    Atomics.store(ring, RING.head, head);
    return done;
  }

  #take(words: Uint32Array, at: number): void {
    const high = (words[at + EVENT.resultHigh] as number) | 0;
    this.#results[words[at + EVENT.data] as number] = high * 2 ** 32 + (words[at + EVENT.result] as number);
  }
}

function setUp(c: Syscalls, capacity: number): number {
  const context = allocate(c, 8);
  context.words.fill(0);
  if (c.ioSetup(capacity, context.address) !== 0) return 0;
  return (context.words[0] as number) + (context.words[1] as number) * 2 ** 32;
}

/** Undefined if this kernel's is laid out otherwise. */
function ringOf(c: Syscalls, context: number): Uint32Array | undefined {
  const header = new Uint32Array(c.view(context, RING.words * 4));
  if (header[RING.magic] !== MAGIC) return undefined;
  const words = RING.words + (header[RING.nr] as number) * EVENT.words;
  return new Uint32Array(c.view(context, words * 4));
}

import type { Syscalls } from '../../../base/libc/syscalls.js';
import { allocate, putAddress } from '../../link/frame-memory.js';

/** struct io_uring_params (linux/io_uring.h), in words. */
const PARAMS = { flags: 2, cqEntries: 1, features: 5, sq: 10, cq: 20, words: 30 };
const SQ = { head: 0, tail: 1, mask: 2, flags: 4, array: 6 };
const CQ = { head: 0, tail: 1, mask: 2, cqes: 5 };
const SETUP_CQSIZE = 1 << 3;
const SETUP_SUBMIT_ALL = 1 << 7;
const SETUP_SINGLE_ISSUER = 1 << 12;
const SETUP_DEFER_TASKRUN = 1 << 13;
const FEATURE_SINGLE_MMAP = 1;
const OFFSET_SQES = 0x1000_0000;
const ENTER_GETEVENTS = 1;
const REGISTER_IOWQ_MAX_WORKERS = 19;
/** Threads of the kernel's for what can't be begun otherwise, made as they are needed: those of a disk that does not answer are kept. */
const MOST_WORKERS = 1024;
const SQE_WORDS = 16;
const POLLIN = 1;
const EBADF = 9;
const ECANCELED = 125;
const CQE_WORDS = 4;

const SETUP_FLAGS = [SETUP_SINGLE_ISSUER | SETUP_DEFER_TASKRUN | SETUP_SUBMIT_ALL, 0];
const SQE_LINK = 1 << 2;
/** Begun by a thread of the kernel's, so that `enter` does not wait for it. */
export const SQE_ASYNC = 1 << 4;
const SQE_SKIP_SUCCESS = 1 << 6;
const POLL_ADD_MULTI = 1;
const CQE_MORE = 2;

export const OP_READ = 22;
export const OP_WRITE = 23;
const OP_POLL = 6;
const OP_POLL_REMOVE = 7;
const OP_SEND = 26;

/** Of an operation that is done. */
export interface Completion {
  /** @param result what the call would have returned, an errno negative */
  done(id: number, result: number): void;
  /** A frame left, or did not. */
  sent(id: number, result: number): void;
  /** A watched descriptor has something. @param events as of poll(2), or an errno negative */
  ready(fd: number, events: number): void;
}

/** Kinds of operations, in the upper half of their user data. */
const KIND = { io: 0, send: 1, poll: 2, quiet: 3 };

/** io_uring(7): reads and writes given to the kernel many at a time, done in any order. */
export class Uring {
  readonly fd: number;
  readonly #c: Syscalls;
  readonly #entries: number;
  readonly #sq: Int32Array;
  readonly #sqes: Uint32Array;
  readonly #sqHead: number;
  readonly #sqTail: number;
  readonly #cqHead: number;
  readonly #cqTail: number;
  readonly #cqMask: number;
  readonly #cqes: number;
  #tail = 0;
  #unsubmitted = 0;
  /** Given to the kernel and not yet reaped. */
  underWay = 0;

  /** @throws Error where the system has none, or forbids it */
  constructor(c: Syscalls, entries = 256, completions = 4096) {
    this.#c = c;
    const params = allocate(c, PARAMS.words * 4);
    // Work is finished in `enter` alone (Linux 6.1); older kernels interrupt the process for it.
    let fd = -1;
    for (const flag of SETUP_FLAGS) {
      params.words.fill(0);
      params.words[PARAMS.flags] = flag | SETUP_CQSIZE;
      params.words[PARAMS.cqEntries] = completions;
      fd = c.ioUringSetup(entries, params.address);
      if (fd >= 0) break;
    }
    if (fd < 0) throw Object.assign(new Error('io_uring_setup failed'), { errno: c.errno() });
    this.fd = fd;
    const p = params.words;
    if (((p[PARAMS.features] as number) & FEATURE_SINGLE_MMAP) === 0) {
      c.close(fd);
      throw new Error('this kernel has an io_uring older than Linux 5.4');
    }
    const field = (base: number, index: number): number => (p[base + index] as number) / 4;
    this.#entries = p[0] as number;
    const completionsThere = p[1] as number;
    const ringLength = Math.max(
      (p[PARAMS.sq + SQ.array] as number) + this.#entries * 4,
      (p[PARAMS.cq + CQ.cqes] as number) + completionsThere * 16,
    );
    const rings = this.#map(ringLength, 0);
    this.#sq = new Int32Array(rings);
    this.#sqes = new Uint32Array(this.#map(this.#entries * SQE_WORDS * 4, OFFSET_SQES));
    this.#sqHead = field(PARAMS.sq, SQ.head);
    this.#sqTail = field(PARAMS.sq, SQ.tail);
    this.#cqHead = field(PARAMS.cq, CQ.head);
    this.#cqTail = field(PARAMS.cq, CQ.tail);
    this.#cqMask = completionsThere - 1;
    this.#cqes = field(PARAMS.cq, CQ.cqes);
    const array = field(PARAMS.sq, SQ.array);
    for (let index = 0; index < this.#entries; index++) this.#sq[array + index] = index;
    this.#tail = this.#sq[this.#sqTail] as number;
    // Linux 5.15. Default: four a processor. The second number, 0, leaves those of sockets as they are.
    params.words[0] = MOST_WORKERS;
    params.words[1] = 0;
    c.ioUringRegister(fd, REGISTER_IOWQ_MAX_WORKERS, params.address, 2);
  }

  /** Queues an operation; it begins with the next `enter`. @param op flags in its second byte @param id is handed back when it is done */
  push(op: number, fd: number, address: number, length: number, offset: number, id: number): void {
    this.#queue(op, fd, address, length, offset, 0, id, KIND.io);
    this.underWay++;
  }

  /** Queues a read and, when it has brought all of `length`, the sending of a frame. Of both `sent` alone tells. */
  pushReadAndSend(
    fd: number,
    address: number,
    length: number,
    offset: number,
    frame: { socket: number; address: number; length: number },
    id: number,
  ): void {
    // A link must not be torn by a submission in between.
    if (this.#unsubmitted + 2 > this.#entries) this.enter(0);
    this.#queue(
      OP_READ | ((SQE_LINK | SQE_SKIP_SUCCESS) << 8),
      fd,
      address,
      length,
      offset,
      0,
      id,
      KIND.quiet,
    );
    this.pushSend(frame.socket, frame.address, frame.length, id);
  }

  pushSend(socket: number, frame: number, length: number, id: number): void {
    this.#queue(OP_SEND, socket, frame, length, 0, 0, id, KIND.send);
    this.underWay++;
  }

  /** Tells whenever a descriptor becomes readable, until it is closed. */
  watch(fd: number): void {
    this.#queue(OP_POLL, fd, 0, POLL_ADD_MULTI, 0, POLLIN, fd, KIND.poll);
  }

  /** Ends that. Must be called before the descriptor is closed, which would stay open. */
  unwatch(fd: number): void {
    this.#queue(OP_POLL_REMOVE, -1, fd + KIND.poll * 2 ** 32, 0, 0, 0, fd, KIND.quiet);
    this.enter(0);
  }

  /**
   * Begins what was queued; what can be done at once is done when this returns.
   * @param wait how many completions there must be before it returns
   */
  enter(wait: number): void {
    Atomics.store(this.#sq, this.#sqTail, this.#tail);
    const taken = this.#c.ioUringEnter(this.fd, this.#unsubmitted, wait, ENTER_GETEVENTS);
    if (taken === this.#unsubmitted) this.#unsubmitted = 0;
    else this.#unsubmitted = (this.#tail - Atomics.load(this.#sq, this.#sqHead)) | 0;
  }

  /** Hands over what is done. @returns whether there was anything */
  reap(completion: Completion): boolean {
    const cq = this.#sq;
    let head = cq[this.#cqHead] as number;
    const tail = Atomics.load(cq, this.#cqTail);
    if (head === tail) return false;
    while (head !== tail) {
      const at = this.#cqes + (head & this.#cqMask) * CQE_WORDS;
      const id = cq[at] as number;
      const kind = cq[at + 1] as number;
      const result = cq[at + 2] as number;
      const flags = cq[at + 3] as number;
      head = (head + 1) | 0;
      Atomics.store(cq, this.#cqHead, head);
      if (kind === KIND.io) {
        this.underWay--;
        completion.done(id, result);
      } else if (kind === KIND.send) {
        this.underWay--;
        completion.sent(id, result);
      } else if (kind === KIND.poll) {
        completion.ready(id, result);
        if ((flags & CQE_MORE) === 0 && result !== -ECANCELED && result !== -EBADF) this.watch(id);
      }
    }
    return true;
  }

  #queue(
    op: number,
    fd: number,
    address: number,
    length: number,
    offset: number,
    extra: number,
    id: number,
    kind: number,
  ): void {
    if (this.#unsubmitted === this.#entries) this.enter(0);
    const at = (this.#tail & (this.#entries - 1)) * SQE_WORDS;
    const sqes = this.#sqes;
    sqes[at] = op;
    sqes[at + 1] = fd;
    putAddress(sqes, at + 2, offset);
    putAddress(sqes, at + 4, address);
    sqes[at + 6] = length;
    sqes[at + 7] = extra;
    sqes[at + 8] = id;
    sqes[at + 9] = kind;
    this.#tail = (this.#tail + 1) | 0;
    this.#unsubmitted++;
  }

  close(): void {
    this.#c.close(this.fd);
  }

  #map(length: number, offset: number): ArrayBuffer {
    const address = this.#c.mmap(length, this.fd, offset);
    if (address === -1) {
      const errno = this.#c.errno();
      this.#c.close(this.fd);
      throw Object.assign(new Error('mmap of io_uring failed'), { errno });
    }
    return this.#c.view(address, length);
  }
}

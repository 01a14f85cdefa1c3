import type { Syscalls } from '../../base/libc/syscalls.js';
import { allocate, type Memory, putAddress } from './frame-memory.js';

const MMSGHDR = 64;
const IOVEC = 16;
const EINTR = 4;
const EAGAIN = 11;
const POLLOUT = 4;
/** Milliseconds that a full send queue, which may hold less than a batch, is waited for before a frame counts as lost. */
const PATIENCE = 5;

/** Frames to be sent on a packet socket by one call of sendmmsg(2). */
export class SendBatch {
  readonly #c: Syscalls;
  readonly #fd: number;
  readonly #messages: Memory;
  readonly #vectors: Memory;
  readonly #poll: Memory;
  readonly capacity: number;
  count = 0;

  constructor(c: Syscalls, fd: number, capacity = 64) {
    this.#c = c;
    this.#fd = fd;
    this.capacity = capacity;
    this.#messages = allocate(c, capacity * MMSGHDR);
    this.#vectors = allocate(c, capacity * IOVEC);
    this.#poll = allocate(c, 8);
    this.#poll.words[0] = fd;
    this.#poll.words[1] = POLLOUT;
    for (let index = 0; index < capacity; index++) {
      const message = (index * MMSGHDR) / 4;
      putAddress(this.#messages.words, message + 4, this.#vectors.address + index * IOVEC);
      this.#messages.words[message + 6] = 1;
    }
  }

  /** Adds a frame, whose memory must stay as it is until `send`; there must be room. */
  add(low: number, high: number, length: number): void {
    const words = this.#vectors.words;
    const at = this.count * 4;
    words[at] = low;
    words[at + 1] = high;
    words[at + 2] = length;
    this.count++;
  }

  lengthOf(index: number): number {
    return this.#vectors.words[index * 4 + 2] as number;
  }

  /** Sends them all. @param lost called with the index of each that could not be sent */
  send(lost: (index: number) => void): void {
    const { count } = this;
    this.count = 0;
    let waited = false;
    for (let done = 0; done < count; ) {
      const sent = this.#c.sendmmsg(this.#fd, this.#messages.address + done * MMSGHDR, count - done, 0);
      if (sent > 0) {
        done += sent;
        waited = false;
        continue;
      }
      const errno = this.#c.errno();
      if (errno === EINTR) continue;
      if (errno === EAGAIN && !waited) {
        waited = true;
        this.#c.pollFds(this.#poll.address, 1, PATIENCE);
        continue;
      }
      // Too long for an MTU that has changed, or the interface is down: those behind it may fare better.
      lost(done);
      done++;
    }
  }
}

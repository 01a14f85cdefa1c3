import { readSync } from 'node:fs';
import { type Syscalls, syscalls } from '../../../base/libc/syscalls.js';
import { allocate, type Memory } from '../../link/frame-memory.js';
import { Spin } from './spin.js';
import { type Completion, Uring } from './uring.js';

/** An interface, as the engine drives it. */
export interface Driven {
  readonly fd: number;
  /** Handles frames that are there. @returns whether there may be more */
  serve(): boolean;
  /** Requests that were handled and whose operations have not begun. */
  readonly prepared: number;
  /** Begins them. @param together each with the sending of its answer, by io_uring */
  begin(together: boolean): void;
  /** Whether a frame is there, as far as that can be told without a call. */
  readonly pending: boolean;
  /** Sends what is ready. */
  flush(): void;
  /** The socket has an error to tell. */
  trouble(): void;
}

const POLLIN = 1;
const POLLERR = 8;
/** Milliseconds after which Node's event loop gets its turn in any case: timers may be late by this. */
const LONGEST_WAIT = 250;
/** Rounds before Node's event loop gets its turn although there is work. */
const ROUNDS = 1024;
/** Requests of a round up to which one call for all of it is cheaper than a call for each kind. */
const FEW = 2;
/** Rounds without that after one in which something was not in the page cache. */
const DOUBT = 64;
/** Most interfaces of one process. */
const MOST = 256;

/**
 * The loop around all interfaces of this process. It lives on Node's main thread: while there is work it works, and when
 * there is none it waits in poll(2) for frames, for io_uring, and for the event loop's own descriptor. So neither side
 * costs the other a thousandth of a second, and a frame wakes the process by one call.
 */
export class Engine {
  readonly c: Syscalls;
  /** Undefined where the system has none: what is not in the page cache then goes by Node's thread pool. */
  readonly uring: Uring | undefined;
  readonly #driven = new Set<Driven>();
  readonly #poll: Memory;
  readonly #loopFd: number;
  readonly #timerFd: number;
  readonly #expirations = Buffer.alloc(8);
  #completion: Pick<Completion, 'done' | 'sent'> = { done: () => {}, sent: () => {} };
  readonly #ready: Completion;
  /** Node's event loop has something to do. */
  #loopReady = false;
  #doubt = 0;
  readonly #spin = new Spin();
  #scheduled = false;

  private constructor(c: Syscalls, uring: Uring | undefined) {
    this.c = c;
    this.uring = uring;
    this.#poll = allocate(c, (MOST + 2) * 8);
    this.#loopFd = c.loopFd();
    this.#ready = {
      done: (id, result) => this.#completion.done(id, result),
      sent: (id, result) => this.#completion.sent(id, result),
      ready: (fd, events) => this.#wake(fd, events),
    };
    // A wait with a time limit would cost a timer of the kernel's each time.
    this.#timerFd = uring === undefined ? -1 : c.timer(LONGEST_WAIT);
    for (const fd of [this.#loopFd, this.#timerFd]) if (fd >= 0) uring?.watch(fd);
  }

  /** @throws MissingError where there are no packet sockets */
  static async create(options: { uring?: boolean } = {}): Promise<Engine> {
    const c = await syscalls();
    let uring: Uring | undefined;
    if (options.uring !== false) {
      try {
        uring = new Uring(c);
      } catch {
        // Containers often forbid it.
      }
    }
    return new Engine(c, uring);
  }

  /** What was thrown while frames were handled. */
  onError: (error: unknown) => void = () => {};

  set completion(completion: Pick<Completion, 'done' | 'sent'>) {
    this.#completion = completion;
  }

  add(driven: Driven): void {
    this.#driven.add(driven);
    this.uring?.watch(driven.fd);
    this.#schedule();
  }

  /** Has Node's event loop get its turn before the process sleeps: promises wait for it. */
  giveWay(): void {
    this.#loopReady = true;
  }

  /** Resolves after a turn of Node's event loop. */
  turn(): Promise<void> {
    this.giveWay();
    return new Promise((resolve) => setImmediate(resolve));
  }

  remove(driven: Driven): void {
    if (this.#driven.delete(driven)) this.uring?.unwatch(driven.fd);
  }

  #schedule(): void {
    if (this.#scheduled || this.#driven.size === 0) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#run();
      this.#schedule();
    });
  }

  #run(): void {
    try {
      this.#rounds();
    } catch (error) {
      // What was thrown for one interface must not end the service of the others.
      this.onError(error);
    }
    this.#loopReady = false;
  }

  #rounds(): void {
    for (let round = 0; round < ROUNDS; round++) {
      let more = false;
      let prepared = 0;
      for (const driven of this.#driven) {
        if (driven.serve()) more = true;
        prepared += driven.prepared;
      }
      if (this.uring === undefined) {
        for (const driven of this.#driven) driven.flush();
        if (this.#loopReady || (!more && !this.#wait())) break;
      } else if (!this.#round(this.uring, prepared, more)) break;
    }
  }

  /**
   * Begins what was prepared, waits if there is nothing else, and takes what is done. Of a few requests each answer is sent
   * by io_uring as well, and the same call waits for the next frame: it is expected that all is in the page cache, so that
   * they are done when the waiting begins. Where that does not hold, a frame may be held up by them, and then it is not
   * done for a while.
   *
   * @returns false if Node's event loop has something to do
   */
  #round(uring: Uring, prepared: number, more: boolean): boolean {
    const few = !more && prepared > 0 && prepared <= FEW && !this.#loopReady;
    const together = few && this.#doubt === 0 && uring.underWay === 0;
    if (this.#doubt > 0 && prepared > 0) this.#doubt--;
    for (const driven of this.#driven) {
      driven.begin(together);
      if (!together) driven.flush();
    }
    let idle = !more && prepared === 0 && !this.#loopReady;
    const hopeful = together && this.#spin.hopeful;
    uring.enter(hopeful ? 0 : together ? uring.underWay + 1 : idle ? 1 : 0);
    let woken = uring.reap(this.#ready);
    if (uring.underWay > 0) this.#doubt = DOUBT;
    else if (hopeful && !this.#loopReady && !this.#spin.wait(this.#driven)) {
      idle = true;
      uring.enter(1);
      woken = uring.reap(this.#ready);
    } else if (together && !hopeful) this.#spin.slept();
    for (const driven of this.#driven) driven.flush();
    return !this.#loopReady && (!idle || woken);
  }

  #wake(fd: number, events: number): void {
    if (fd === this.#timerFd) readSync(fd, this.#expirations);
    if (fd === this.#loopFd || fd === this.#timerFd) {
      this.#loopReady = true;
      return;
    }
    if (events >= 0 && (events & POLLERR) === 0) return;
    for (const driven of this.#driven) if (driven.fd === fd) driven.trouble();
  }

  /** @returns false if Node's event loop has something to do */
  #wait(): boolean {
    const words = this.#poll.words;
    let count = 0;
    const put = (fd: number): void => {
      words[2 * count] = fd;
      words[2 * count + 1] = POLLIN;
      count++;
    };
    put(this.#loopFd);
    for (const { fd } of this.#driven) put(fd);
    const timeout = this.#loopFd < 0 ? 1 : LONGEST_WAIT;
    if (this.c.pollFds(this.#poll.address, count, timeout) <= 0) return false;
    const answer = (index: number): number => (words[2 * index + 1] as number) >>> 16;
    let index = 1;
    for (const driven of this.#driven) {
      if (answer(index++) & POLLERR) driven.trouble();
    }
    return answer(0) === 0;
  }
}

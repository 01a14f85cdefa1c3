import type { Libc } from './libc.js';
import { libc } from './libc.js';

/**
 * Calls of the C library for those who do much: addresses are Numbers, nothing is converted or copied. Each returns what
 * C returns, -1 with `errno()` set. A call costs some 20 ns more than it does in C.
 */
export interface Syscalls extends Libc {
  /** @param iov address of a struct iovec @param flags RWF_… */
  preadv2(fd: number, iov: number, count: number, offset: number, flags: number): number;
  pwrite(fd: number, from: number, length: number, offset: number): number;
  /** @param messages address of `count` struct mmsghdr */
  sendmmsg(fd: number, messages: number, count: number, flags: number): number;
  /** @param fds address of `count` struct pollfd @param timeout milliseconds */
  pollFds(fds: number, count: number, timeout: number): number;
  /** Shared, readable and writable, populated. @returns the address, or -1 */
  mmap(length: number, fd: number, offset: number): number;
  munmap(address: number, length: number): number;
  ioUringSetup(entries: number, params: number): number;
  ioUringEnter(fd: number, submit: number, complete: number, flags: number): number;
  ioUringRegister(fd: number, opcode: number, argument: number, count: number): number;
  /** @param context address of 8 bytes that are 0, and hold the context afterwards */
  ioSetup(events: number, context: number): number;
  /** @param iocbs address of `count` pointers to struct iocb */
  ioSubmit(context: number, count: number, iocbs: number): number;
  /** @param events address of room for `most` struct io_event */
  ioGetEvents(context: number, least: number, most: number, events: number): number;
  /** A descriptor that becomes readable (8 bytes) again and again (timerfd). @returns it, or -1 */
  timer(milliseconds: number): number;
  /** Memory outside of JavaScript's; touching it after it was unmapped ends the process. */
  view(address: number, length: number): ArrayBuffer;
  /** The descriptor that becomes readable when Node's event loop of the main thread has something to do. */
  loopFd(): number;
}

const IO_URING_SETUP = 425;
const IO_URING_ENTER = 426;
const IO_URING_REGISTER = 427;
/** io_setup, io_submit, io_getevents; -1 (ENOSYS) where they are not known. */
const AIO_NUMBERS: Partial<Record<string, readonly [number, number, number]>> = {
  x64: [206, 209, 208],
  arm64: [0, 2, 4],
  riscv64: [0, 2, 4],
  loong64: [0, 2, 4],
};
const PROT_READ_WRITE = 3;
const MAP_SHARED = 1;
const MAP_POPULATE = 0x8000;
const CLOCK_MONOTONIC = 1;
const TFD_NONBLOCK = 0o4000;
const TFD_CLOEXEC = 0o2000000;

let loaded: Promise<Syscalls> | undefined;

/** Loads them on first use. @throws MissingError as `libc` does */
export function syscalls(): Promise<Syscalls> {
  loaded ??= load();
  return loaded;
}

async function load(): Promise<Syscalls> {
  const base = await libc();
  const { default: koffi } = await import('koffi');
  const c = koffi.load(null);
  const mmap = c.func('intptr_t mmap(uintptr_t, size_t, int, int, int, int64_t)');
  const timerCreate = c.func('int timerfd_create(int, int)');
  const timerSet = c.func('int timerfd_settime(int, int, const void *, void *)');
  // The numbers are the same on all machines that have io_uring.
  const setup = c.func('syscall', 'long', ['long', 'long', 'uintptr_t']);
  const enter = c.func('syscall', 'long', ['long', 'long', 'long', 'long', 'long', 'uintptr_t', 'long']);
  const register = c.func('syscall', 'long', ['long', 'long', 'long', 'uintptr_t', 'long']);
  const ioSetup = c.func('syscall', 'long', ['long', 'long', 'uintptr_t']);
  const ioSubmit = c.func('syscall', 'long', ['long', 'uintptr_t', 'long', 'uintptr_t']);
  const getEvents = c.func('syscall', 'long', [
    'long',
    'uintptr_t',
    'long',
    'long',
    'uintptr_t',
    'uintptr_t',
  ]);
  const [aioSetup, aioSubmit, aioEvents] = AIO_NUMBERS[process.arch] ?? [-1, -1, -1];
  return {
    ...base,
    ioSetup: (events, context) => ioSetup(aioSetup, events, context) as number,
    ioSubmit: (context, count, iocbs) => ioSubmit(aioSubmit, context, count, iocbs) as number,
    ioGetEvents: (context, least, most, events) =>
      getEvents(aioEvents, context, least, most, events, 0) as number,
    preadv2: c.func('int64_t preadv2(int, uintptr_t, int, int64_t, int)'),
    pwrite: c.func('int64_t pwrite(int, uintptr_t, size_t, int64_t)'),
    sendmmsg: c.func('int sendmmsg(int, uintptr_t, unsigned int, int)'),
    pollFds: c.func('int poll(uintptr_t, unsigned long, int)'),
    mmap: (length, fd, offset) =>
      Number(mmap(0, length, PROT_READ_WRITE, MAP_SHARED | MAP_POPULATE, fd, offset)),
    munmap: c.func('int munmap(uintptr_t, size_t)'),
    ioUringSetup: (entries, params) => setup(IO_URING_SETUP, entries, params) as number,
    ioUringEnter: (fd, submit, complete, flags) =>
      enter(IO_URING_ENTER, fd, submit, complete, flags, 0, 0) as number,
    timer: (milliseconds) => {
      const fd = timerCreate(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC) as number;
      // struct itimerspec: interval and first time, each seconds 8 and nanoseconds 8.
      const times = Buffer.alloc(32);
      for (const at of [0, 16]) {
        times.writeUInt32LE(Math.floor(milliseconds / 1000), at);
        times.writeUInt32LE((milliseconds % 1000) * 1e6, at + 8);
      }
      if (fd >= 0) timerSet(fd, 0, times, null);
      return fd;
    },
    ioUringRegister: (fd, opcode, argument, count) =>
      register(IO_URING_REGISTER, fd, opcode, argument, count) as number,
    view: (address, length) => koffi.view(BigInt(address), length),
    loopFd: loopFd(c),
  };
}

/** Node exports the functions of libuv for native modules. */
function loopFd(c: { func(definition: string): unknown }): () => number {
  try {
    const loop = c.func('void *uv_default_loop()') as () => unknown;
    const fd = c.func('int uv_backend_fd(void *)') as (loop: unknown) => number;
    return () => fd(loop());
  } catch {
    return () => -1;
  }
}

import { getSystemErrorMap } from 'node:util';
import { LabError, MissingError } from '../errors.js';

/** The calls of the C library that packet sockets need; each returns what C returns, -1 with `errno()` set. */
export interface Libc {
  socket(domain: number, type: number, protocol: number): number;
  bind(fd: number, address: Uint8Array, length: number): number;
  setsockopt(fd: number, level: number, option: number, value: Uint8Array, length: number): number;
  getsockopt(fd: number, level: number, option: number, value: Uint8Array, length: Uint8Array): number;
  ioctl(fd: number, request: number, argument: Uint8Array): number;
  send(fd: number, data: Uint8Array, length: number, flags: number): number;
  recv(fd: number, data: Uint8Array, length: number, flags: number): number;
  /** @param messages address of `count` struct mmsghdr */
  recvmmsg(fd: number, messages: number, count: number, flags: number, timeout: number): number;
  setns(fd: number, type: number): number;
  getxattr(path: string, name: string, value: Uint8Array | null, length: number): number;
  close(fd: number): number;
  errno(): number;
  /** Address of a Buffer's memory, which must be kept alive and never be resized. */
  addressOf(bytes: Uint8Array): number;
  /**
   * Calls back when `fd` is readable, through Node's own event loop, until closed; status is negative after an error
   * of the socket's, which also ends the polling until it is started again.
   *
   * The callback runs outside of any of Node's callback scopes (no microtasks follow it, exceptions go astray): it
   * should do nothing but setImmediate. A worker thread must not be terminated while it polls: the process crashes.
   */
  poll(fd: number, callback: (status: number) => void): PollHandle;
}

export interface PollHandle {
  restart(): void;
  close(): void;
}

let loaded: Promise<Libc> | undefined;

/**
 * Loads the C library's calls on first use.
 * @throws MissingError if this system has none that fit (only 64-bit little-endian Linux is supported)
 */
export function libc(): Promise<Libc> {
  loaded ??= load();
  return loaded;
}

async function load(): Promise<Libc> {
  if (process.platform !== 'linux' || !['x64', 'arm64', 'riscv64', 'loong64'].includes(process.arch)) {
    throw new MissingError({
      tried: 'opening a packet socket',
      happened: `${process.platform} on ${process.arch} has none that this program knows`,
      next: 'run it on Linux on x86-64 or ARM64',
      missing: ['AF_PACKET'],
    });
  }
  const { default: koffi } = await import('koffi').catch((cause: unknown) => {
    throw new MissingError({
      tried: 'loading koffi, which calls the C library',
      happened: (cause as Error).message,
      next: 'run `npm ci` again in the folder of aoe-lab: the package brings its binaries along',
      missing: ['koffi'],
      cause,
    });
  });
  const c = koffi.load(null);
  const ioctl = c.func('int ioctl(int, unsigned long, ...)');
  return {
    socket: c.func('int socket(int, int, int)'),
    bind: c.func('int bind(int, const void *, uint32_t)'),
    setsockopt: c.func('int setsockopt(int, int, int, const void *, uint32_t)'),
    getsockopt: c.func('int getsockopt(int, int, int, void *, void *)'),
    ioctl: (fd, request, argument) => ioctl(fd, request, 'void *', argument) as number,
    send: c.func('long send(int, const void *, size_t, int)'),
    recv: c.func('long recv(int, void *, size_t, int)'),
    recvmmsg: c.func('int recvmmsg(int, uintptr_t, unsigned int, int, uintptr_t)'),
    setns: c.func('int setns(int, int)'),
    getxattr: c.func('long getxattr(const char *, const char *, void *, size_t)'),
    close: c.func('int close(int)'),
    errno: () => koffi.errno(),
    addressOf: (bytes) => Number(koffi.address(bytes)),
    poll: (fd, callback) => {
      const options = { readable: true };
      // Koffi calls back with (status, events); its own type says otherwise.
      const handle = koffi.node.poll(fd, options, callback as unknown as () => void);
      return {
        restart: () => handle.start(options, callback as unknown as () => void),
        close: () => handle.close(),
      };
    },
  };
}

/** "ENETDOWN: network is down" */
export function describeErrno(errno: number): string {
  const [name, text] = getSystemErrorMap().get(-errno) ?? [`errno ${errno}`, 'unknown error'];
  return `${name}: ${text}`;
}

/** A failed call as an error of the product's. */
export function libcError(tried: string, call: string, errno: number, next?: string): LabError {
  return new LabError({
    tried,
    happened: `${call} failed, ${describeErrno(errno)}`,
    ...(next === undefined ? {} : { next }),
  });
}

/**
 * The calls of the C library that a load generator makes in its loop. They may wait: it runs in a process of its own.
 * Addresses are numbers, so that a call allocates nothing.
 */

export interface Calls {
  /** @param messages address of `count` struct mmsghdr @returns messages received, or -1 */
  recvmmsg(fd: number, messages: number, count: number, flags: number, timeout: number): number;
  sendmmsg(fd: number, messages: number, count: number, flags: number): number;
  recv(fd: number, into: number, length: number, flags: number): number;
  /** @param message address of a struct msghdr */
  sendmsg(fd: number, message: number, flags: number): number;
  connect(fd: number, address: Uint8Array, length: number): number;
  errno(): number;
}

let loaded: Promise<Calls> | undefined;

export function calls(): Promise<Calls> {
  loaded ??= load();
  return loaded;
}

async function load(): Promise<Calls> {
  const { default: koffi } = await import('koffi');
  const c = koffi.load(null);
  return {
    recvmmsg: c.func('int recvmmsg(int, uintptr_t, unsigned int, int, uintptr_t)'),
    sendmmsg: c.func('int sendmmsg(int, uintptr_t, unsigned int, int)'),
    recv: c.func('long recv(int, uintptr_t, size_t, int)'),
    sendmsg: c.func('long sendmsg(int, uintptr_t, int)'),
    connect: c.func('int connect(int, const void *, uint32_t)'),
    errno: () => koffi.errno(),
  };
}

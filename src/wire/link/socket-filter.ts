/** Filters for packet sockets, in classic BPF (linux/filter.h): what they drop costs the process nothing. */
import type { Libc } from '../../base/libc/libc.js';

const SOL_SOCKET = 1;
const SO_ATTACH_FILTER = 26;

export const Op = {
  loadWord: 0x20,
  loadHalf: 0x28,
  loadByte: 0x30,
  jumpEqual: 0x15,
  jumpGreater: 0x25,
  jumpSet: 0x45,
  and: 0x54,
} as const;
const RETURN = 0x06;
const WHOLE = 0x7fff_ffff;
/** SKF_AD_OFF: behind it lies what the kernel knows of a frame besides its bytes. */
export const KNOWN = 0xffff_f000;

/** Operation, number, where to go on if it holds and if not (a label, "pass" or "drop"; the next step otherwise), own label. */
export type Step = readonly [code: number, k: number, yes?: string, no?: string, label?: string];

/** Has a socket hear what passes. @param steps end in "pass" or "drop" @returns false with `errno()` set if the kernel refuses it */
export function attachFilter(c: Libc, fd: number, steps: readonly Step[]): boolean {
  const program = assemble([
    ...steps,
    [RETURN, WHOLE, undefined, undefined, 'pass'],
    [RETURN, 0, undefined, undefined, 'drop'],
  ]);
  // struct sock_fprog: number of steps 2, padding 6, address 8.
  const filter = Buffer.alloc(16);
  filter.writeUInt16LE(program.length / 8, 0);
  filter.writeBigUInt64LE(BigInt(c.addressOf(program)), 8);
  return c.setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, filter, filter.length) === 0;
}

/** struct sock_filter, 8 bytes: code 2, steps to leave out if it holds 1, if not 1, number 4. */
function assemble(steps: readonly Step[]): Buffer {
  const program = Buffer.alloc(8 * steps.length);
  const distance = (from: number, label: string | undefined): number =>
    label === undefined ? 0 : steps.findIndex((step) => step[4] === label) - from - 1;
  for (const [at, [code, k, yes, no]] of steps.entries()) {
    program.writeUInt16LE(code, 8 * at);
    program.writeUInt8(distance(at, yes), 8 * at + 2);
    program.writeUInt8(distance(at, no), 8 * at + 3);
    program.writeUInt32LE(k >>> 0, 8 * at + 4);
  }
  return program;
}

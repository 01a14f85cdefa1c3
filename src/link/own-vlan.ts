/**
 * A filter for packet sockets (classic BPF, linux/filter.h) that lets pass what is on the interface's own segment.
 *
 * A tagged frame of a VLAN that has no interface of its own comes up on the interface below without its tag: the kernel
 * only marks it as another station's, as it never does with a frame to all, to a group, or to the interface's address
 * (net/core/dev.c, `check_vlan_id`). Where the VLAN has an interface, the one below hears a copy that belongs to the other
 * interface. A frame tagged with VLAN 0 bears a priority and nothing else.
 */
import { type Mac, writeMac } from '../aoe/ethernet.js';
import type { Libc } from './libc.js';

const SOL_SOCKET = 1;
const SO_ATTACH_FILTER = 26;

const LD_WORD = 0x20;
const LD_HALF = 0x28;
const LD_BYTE = 0x30;
const JUMP_EQUAL = 0x15;
const JUMP_SET = 0x45;
const AND = 0x54;
const RETURN = 0x06;
/** SKF_AD_OFF: behind it lies what the kernel knows of a frame besides its bytes. */
const KNOWN = 0xffff_f000;
const PACKET_TYPE = KNOWN + 4;
const INTERFACE = KNOWN + 8;
const VLAN_TAG = KNOWN + 44;
const VLAN_TAG_PRESENT = KNOWN + 48;
const PACKET_OTHERHOST = 3;
const VLAN_ID = 0xfff;
const WHOLE = 0x7fff_ffff;

/** Operation, number, and where to go on if it holds and if not; "pass" and "drop" end it. */
type Step = readonly [code: number, k: number, yes?: string, no?: string, label?: string];

/** @param mac the interface's @param index its number */
export function ownVlanProgram(mac: Mac, index: number): Buffer {
  const bytes = Buffer.alloc(6);
  writeMac(mac, bytes, 0);
  return assemble([
    [LD_WORD, INTERFACE],
    [JUMP_EQUAL, index, undefined, 'drop'],
    // Old kernels and switch chips leave the tag beside the frame.
    [LD_WORD, VLAN_TAG_PRESENT],
    [JUMP_EQUAL, 0, 'untagged'],
    [LD_WORD, VLAN_TAG],
    [AND, VLAN_ID],
    [JUMP_EQUAL, 0, undefined, 'drop'],
    [LD_WORD, PACKET_TYPE, undefined, undefined, 'untagged'],
    [JUMP_EQUAL, PACKET_OTHERHOST, undefined, 'pass'],
    [LD_BYTE, 0],
    [JUMP_SET, 1, 'drop'],
    // Really for another station: whoever listens judges that.
    [LD_WORD, 0],
    [JUMP_EQUAL, bytes.readUInt32BE(0), undefined, 'pass'],
    [LD_HALF, 4],
    [JUMP_EQUAL, bytes.readUInt16BE(4), 'drop', 'pass'],
    [RETURN, WHOLE, undefined, undefined, 'pass'],
    [RETURN, 0, undefined, undefined, 'drop'],
  ]);
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

/** Has a socket hear its own segment alone. @returns false with `errno()` set if the kernel refuses it */
export function hearOwnVlan(c: Libc, fd: number, mac: Mac, index: number): boolean {
  const program = ownVlanProgram(mac, index);
  // struct sock_fprog: number of steps 2, padding 6, address 8.
  const filter = Buffer.alloc(16);
  filter.writeUInt16LE(program.length / 8, 0);
  filter.writeBigUInt64LE(BigInt(c.addressOf(program)), 8);
  return c.setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, filter, filter.length) === 0;
}

import { formatMac, type Mac, writeMac } from '../aoe/ethernet.js';

/**
 * Blocks of a pcapng file (draft-ietf-opsawg-pcapng), little-endian. Each begins with its type and length and ends
 * with its length again, so that a file that was cut short is readable up to its last whole block.
 *
 *     block:      type 4 · length 4 · body · length 4
 *     option:     code 2 · length 2 · value, padded to 4; the list ends with code 0
 */

/** Of a frame, as seen from the interface. */
export type CaptureWay = 'in' | 'out' | undefined;

export interface CaptureInterface {
  name: string;
  description?: string | undefined;
  mac: Mac;
  /** Bytes behind the Ethernet header; written as the most that a frame may have. */
  mtu: number;
}

const SECTION_HEADER = 0x0a0d0d0a;
const BYTE_ORDER = 0x1a2b3c4d;
const INTERFACE = 1;
const ENHANCED_PACKET = 6;
const LINKTYPE_ETHERNET = 1;
const OPTION_COMMENT = 1;
const SECTION_APPLICATION = 4;
const IF_NAME = 2;
const IF_DESCRIPTION = 3;
const IF_MAC = 6;
const IF_RESOLUTION = 9;
const PACKET_FLAGS = 2;
/** Powers of ten: nanoseconds. */
const NANOSECONDS = 9;
const TWO_32 = 2n ** 32n;
/** Bits 0 and 1 of epb_flags: the way; 2 to 4: the kind of address (1 one, 2 a group, 3 all). */
const WAY_BITS = { in: 1, out: 2 } as const;

/** The block that begins a file. @param application who writes it */
export function sectionHeader(application: string): Buffer {
  const body = Buffer.alloc(16);
  body.writeUInt32LE(BYTE_ORDER, 0);
  body.writeUInt16LE(1, 4);
  body.writeUInt16LE(0, 6);
  body.writeBigInt64LE(-1n, 8); // length of the section: not known
  return block(SECTION_HEADER, body, options([SECTION_APPLICATION, Buffer.from(application)]));
}

/** The block that describes an interface; its number is the count of those before it. */
export function interfaceDescription({ name, description, mac, mtu }: CaptureInterface): Buffer {
  const body = Buffer.alloc(8);
  body.writeUInt16LE(LINKTYPE_ETHERNET, 0);
  body.writeUInt32LE(mtu + 18, 4); // with header and a VLAN tag
  const address = Buffer.alloc(6);
  writeMac(mac, address, 0);
  return block(
    INTERFACE,
    body,
    options(
      [IF_NAME, Buffer.from(name)],
      [IF_DESCRIPTION, Buffer.from(description ?? `${name} at ${formatMac(mac)}`)],
      [IF_MAC, address],
      [IF_RESOLUTION, Buffer.of(NANOSECONDS)],
    ),
  );
}

export interface CapturedFrame {
  /** Number of the interface. */
  iface: number;
  /** Since 1970. */
  nanoseconds: bigint;
  frame: Uint8Array;
  way: CaptureWay;
  /** Shown beside the frame: "dropped by the hub". */
  comment?: string | undefined;
}

/** The block of a frame. */
export function enhancedPacket({ iface, nanoseconds, frame, way, comment }: CapturedFrame): Buffer {
  const length = Math.ceil(frame.length / 4) * 4;
  const body = Buffer.alloc(20 + length);
  body.writeUInt32LE(iface, 0);
  body.writeUInt32LE(Number(nanoseconds / TWO_32), 4);
  body.writeUInt32LE(Number(nanoseconds % TWO_32), 8);
  body.writeUInt32LE(frame.length, 12);
  body.writeUInt32LE(frame.length, 16);
  body.set(frame, 20);
  const flags = Buffer.alloc(4);
  flags.writeUInt32LE((way === undefined ? 0 : WAY_BITS[way]) | (addressKind(frame) << 2));
  const note: [number, Buffer][] = comment === undefined ? [] : [[OPTION_COMMENT, Buffer.from(comment)]];
  return block(ENHANCED_PACKET, body, options([PACKET_FLAGS, flags], ...note));
}

function addressKind(frame: Uint8Array): number {
  if (frame.length < 6) return 0;
  if (frame.subarray(0, 6).every((byte) => byte === 0xff)) return 3;
  return (frame[0] as number) & 1 ? 2 : 1;
}

function options(...list: readonly (readonly [code: number, value: Buffer])[]): Buffer {
  const parts = list.map(([code, value]) => {
    const bytes = Buffer.alloc(4 + Math.ceil(value.length / 4) * 4);
    bytes.writeUInt16LE(code, 0);
    bytes.writeUInt16LE(value.length, 2);
    bytes.set(value, 4);
    return bytes;
  });
  return Buffer.concat([...parts, Buffer.alloc(4)]);
}

function block(type: number, body: Buffer, end: Buffer): Buffer {
  const length = 12 + body.length + end.length;
  const bytes = Buffer.alloc(length);
  bytes.writeUInt32LE(type, 0);
  bytes.writeUInt32LE(length, 4);
  bytes.set(body, 8);
  bytes.set(end, 8 + body.length);
  bytes.writeUInt32LE(length, length - 4);
  return bytes;
}

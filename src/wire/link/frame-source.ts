import type { Syscalls } from '../../base/libc/syscalls.js';
import { allocate, FRAME_OFFSET, type Memory, putAddress, slotLength } from './frame-memory.js';

/**
 * Frames that came in, in slots of one block of memory, each at FRAME_OFFSET of its slot. They are taken one after the
 * other, and given back together.
 */
export interface FrameSource {
  /** In words: "receive ring". */
  readonly kind: string;
  readonly memory: Memory;
  readonly slotLength: number;
  /** Bytes of the next frame, or 0 if there is none. */
  next(): number;
  /** Slot of the frame that `next` told of. */
  readonly slot: number;
  /** Goes on to the frame after that. */
  advance(): void;
  /** Gives back all frames that were gone over: their memory will be overwritten. */
  release(): void;
  /** Milliseconds for which the frame had waited that was gone over last, and has not been given back; 0 where that is not known. */
  age(): number;
  /** Frames that were lost because nobody took them in time, since the last call. */
  drops(): number;
  close(): void;
}

const SOL_PACKET = 263;
const PACKET_RX_RING = 5;
const PACKET_STATISTICS = 6;
const PACKET_VERSION = 10;
const PACKET_RESERVE = 12;
const TPACKET_V2 = 1;
const TP_STATUS_USER = 1;

/**
 * struct tpacket2_hdr (linux/if_packet.h): status 4, len 4, snaplen 4, mac 2, net 2, sec 4, nsec 4, vlan 4, padding 4;
 * then struct sockaddr_ll, 20 bytes. Behind both and the reserved bytes comes the frame (packet(7); tpacket_rcv).
 */
const STATUS = 0;
const SNAPLEN = 2;
const SECONDS = 4;
const NANOSECONDS = 5;
/** Milliseconds that no frame waits. */
const LONGEST_AGE = 60_000;
const HEADERS = 52;
const LEAST_MAC_HEADER = 16;
const ETHERNET_HEADER = 14;
const ALIGNMENT = 16;
/** So that the frame begins at FRAME_OFFSET. */
const RESERVE =
  FRAME_OFFSET + ETHERNET_HEADER - Math.ceil((HEADERS + LEAST_MAC_HEADER) / ALIGNMENT) * ALIGNMENT;

/** The kernel's receive ring (TPACKET_V2): a frame costs no call. V3 would hold frames back for a millisecond and more. */
export class ReceiveRing2 implements FrameSource {
  readonly kind = 'receive ring';
  readonly memory: Memory;
  readonly slotLength: number;
  slot = 0;
  /** The first slot that has not been given back. */
  #kept = 0;
  readonly #c: Syscalls;
  readonly #fd: number;
  readonly #count: number;
  readonly #status: Int32Array;
  readonly #slotWords: number;

  /**
   * To be made before the socket is bound.
   * @throws an error with the errno's number in `errno` if the kernel refuses it
   */
  constructor(c: Syscalls, fd: number, frameLength: number, count = 512) {
    this.#c = c;
    this.#fd = fd;
    this.slotLength = slotLength(frameLength);
    this.#slotWords = this.slotLength / 4;
    this.#count = count;
    const block = Math.max(65536, this.slotLength);
    set(c, fd, PACKET_VERSION, [TPACKET_V2]);
    set(c, fd, PACKET_RESERVE, [RESERVE]);
    const length = count * this.slotLength;
    set(c, fd, PACKET_RX_RING, [block, length / block, this.slotLength, count]);
    const address = c.mmap(length, fd, 0);
    if (address === -1) throw Object.assign(new Error('mmap of the ring failed'), { errno: c.errno() });
    const buffer = c.view(address, length);
    this.memory = { bytes: Buffer.from(buffer), words: new Uint32Array(buffer), address };
    this.#status = new Int32Array(buffer);
  }

  next(): number {
    const at = this.slot * this.#slotWords;
    if ((Atomics.load(this.#status, at + STATUS) & TP_STATUS_USER) === 0) return 0;
    return this.memory.words[at + SNAPLEN] as number;
  }

  advance(): void {
    this.slot++;
    if (this.slot === this.#count) this.slot = 0;
  }

  release(): void {
    while (this.#kept !== this.slot) {
      Atomics.store(this.#status, this.#kept * this.#slotWords + STATUS, 0);
      this.#kept++;
      if (this.#kept === this.#count) this.#kept = 0;
    }
  }

  age(): number {
    const before = (this.slot === 0 ? this.#count : this.slot) - 1;
    const at = before * this.#slotWords;
    const { words } = this.memory;
    const seconds = words[at + SECONDS] as number;
    const age = Date.now() - (seconds * 1000 + (words[at + NANOSECONDS] as number) / 1e6);
    // Else the clock has been set.
    return age >= 0 && age < LONGEST_AGE ? age : 0;
  }

  drops(): number {
    const value = Buffer.alloc(8);
    const length = Buffer.from([8, 0, 0, 0]);
    return this.#c.getsockopt(this.#fd, SOL_PACKET, PACKET_STATISTICS, value, length) === 0
      ? value.readUInt32LE(4)
      : 0;
  }

  close(): void {
    this.#c.munmap(this.memory.address, this.memory.bytes.length);
  }
}

function set(c: Syscalls, fd: number, option: number, values: readonly number[]): void {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) bytes.writeUInt32LE(value, 4 * index);
  if (c.setsockopt(fd, SOL_PACKET, option, bytes, bytes.length) === 0) return;
  throw Object.assign(new Error('setsockopt failed'), { errno: c.errno() });
}

const MMSGHDR = 64;
const IOVEC = 16;
const MSG_DONTWAIT = 0x40;

/** Frames taken by recvmmsg, where there is no ring. */
export class ReceiveCalls implements FrameSource {
  readonly kind = 'recvmmsg';
  readonly memory: Memory;
  readonly slotLength: number;
  slot = 0;
  readonly #c: Syscalls;
  readonly #fd: number;
  readonly #count: number;
  readonly #messages: Memory;
  readonly #vectors: Memory;
  #there = 0;

  constructor(c: Syscalls, fd: number, frameLength: number, count = 64) {
    this.#c = c;
    this.#fd = fd;
    this.#count = count;
    this.slotLength = slotLength(frameLength);
    this.memory = allocate(c, count * this.slotLength);
    this.#messages = allocate(c, count * MMSGHDR);
    this.#vectors = allocate(c, count * IOVEC);
    for (let index = 0; index < count; index++) {
      const vector = (index * IOVEC) / 4;
      putAddress(this.#vectors.words, vector, this.memory.address + index * this.slotLength + FRAME_OFFSET);
      this.#vectors.words[vector + 2] = this.slotLength - FRAME_OFFSET;
      const message = (index * MMSGHDR) / 4;
      putAddress(this.#messages.words, message + 4, this.#vectors.address + index * IOVEC);
      this.#messages.words[message + 6] = 1;
    }
  }

  next(): number {
    if (this.slot >= this.#there) {
      if (this.#there > 0) return 0;
      this.#there = Math.max(
        0,
        this.#c.recvmmsg(this.#fd, this.#messages.address, this.#count, MSG_DONTWAIT, 0),
      );
      if (this.#there === 0) return 0;
    }
    return this.#messages.words[(this.slot * MMSGHDR + 56) / 4] as number;
  }

  advance(): void {
    this.slot++;
  }

  release(): void {
    if (this.slot < this.#there) return;
    this.slot = 0;
    this.#there = 0;
  }

  age(): number {
    return 0;
  }

  drops(): number {
    return 0;
  }

  close(): void {}
}

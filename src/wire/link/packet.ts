import { LabError, MissingError } from '../../base/errors.js';
import { describeErrno, type Libc, libc, libcError, type PollHandle } from '../../base/libc/libc.js';
import { ETHERNET_HEADER, ETHERTYPE_AOE, type Mac } from '../aoe/ethernet.js';
import {
  type InterfaceFacts,
  interfaceFacts,
  interfaceMtu,
  interfaceNames,
  refusePort,
} from './interface.js';
import type { FrameListener, Link } from './link.js';
import { inNamespace } from './netns.js';
import { hearOwnVlan } from './own-vlan.js';
import { ReceiveRing } from './receive-ring.js';

export interface PacketLinkOptions {
  /** Name of the interface: "eth0". */
  iface: string;
  /** Network namespace (as `ip netns` names them) that the interface is in. Default: the process's own. */
  netns?: string | undefined;
  /** Hear all that passes the interface, what this host sends included: to watch its own targets. */
  everything?: boolean | undefined;
  /** Have a network card hand over what is for other addresses as well, as long as the link is open. */
  promiscuous?: boolean | undefined;
  /** Take an interface that is down as well: frames are lost until it is up. */
  mayBeDown?: boolean | undefined;
}

const AF_PACKET = 17;
const SOCK_RAW = 3;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_ERROR = 4;
const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
const SO_SNDBUFFORCE = 32;
const SO_RCVBUFFORCE = 33;
const SOL_PACKET = 263;
const PACKET_ADD_MEMBERSHIP = 1;
const PACKET_MR_PROMISC = 1;
const PACKET_IGNORE_OUTGOING = 23;
const ETH_P_ALL = 3;

const EPERM = 1;
const EINTR = 4;
const ENXIO = 6;
const EAGAIN = 11;
const EACCES = 13;
const ENODEV = 19;
const EMSGSIZE = 90;
const ENETDOWN = 100;
const ENOBUFS = 105;

/** Bytes of the socket's queues: some hundred frames of 9000 bytes, so that a pause of this process loses none. */
const QUEUE = 8 << 20;
/** Calls of recvmmsg before other work of the process gets its turn. */
const ROUNDS = 8;

/** Open links; a poll handle that nobody refers to would be collected while it polls. */
const open = new Set<PacketLink>();

/**
 * Opens a packet socket (packet(7)) for AoE on an interface. It hears what others send on its own segment, not what this
 * host does, nor what is tagged for a VLAN, unless `everything` is asked for.
 *
 * @throws MissingError without CAP_NET_RAW, if there is no such namespace, or the interface is down · UsageError if
 *   there is no such interface, it is not an Ethernet one, or a port of a bridge or the like and not `everything` is heard
 */
export async function openPacketLink(options: PacketLinkOptions): Promise<Link> {
  const { c, fd, name, facts, hearsItself } = await openPacketSocket(options);
  try {
    return new PacketLink(c, fd, name, facts, hearsItself);
  } catch (error) {
    c.close(fd);
    throw error;
  }
}

export interface PacketSocket {
  c: Libc;
  fd: number;
  /** For messages: "eth0", "eth0 in namespace lab". */
  name: string;
  facts: InterfaceFacts;
  /** Whether it gets copies of what this host sends, because the kernel can't leave them out. */
  hearsItself: boolean;
}

/** The socket alone, bound and not blocking. @param beforeBind sets what has to be set before frames come in */
export async function openPacketSocket(
  options: PacketLinkOptions,
  beforeBind: (fd: number, facts: InterfaceFacts) => void = () => {},
): Promise<PacketSocket> {
  const { iface, netns, everything = false, promiscuous = false, mayBeDown = false } = options;
  const c = await libc();
  const tried = `opening a packet socket on ${iface}`;
  const make = (): { fd: number; facts: InterfaceFacts } => {
    // With protocol 0 it hears nothing until it is bound to its interface.
    const fd = c.socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) throw socketError(tried, c.errno());
    try {
      const facts = interfaceFacts(c, fd, iface, interfaceNames, mayBeDown);
      // What all sockets hear is heard before a bridge takes it.
      if (!everything) refusePort(c, iface);
      return { fd, facts };
    } catch (error) {
      c.close(fd);
      throw error;
    }
  };
  const { fd, facts } = netns === undefined ? make() : inNamespace(c, netns, make);
  try {
    beforeBind(fd, facts);
    if (promiscuous) hearForeign(c, fd, facts);
    const hearsItself = prepare(c, fd, facts, everything, tried);
    const name = netns === undefined ? iface : `${iface} in namespace ${netns}`;
    return { c, fd, name, facts, hearsItself };
  } catch (error) {
    c.close(fd);
    throw error;
  }
}

function socketError(tried: string, errno: number): LabError {
  if (errno !== EPERM && errno !== EACCES) return libcError(tried, 'socket', errno);
  return new MissingError({
    tried,
    happened: `the system refuses it, ${describeErrno(errno)}`,
    next: 'run it as root (or with CAP_NET_RAW)',
    missing: ['CAP_NET_RAW'],
  });
}

/** Sets the socket's options and binds it. @returns whether it gets unwanted copies of what this host sends */
function prepare(c: Libc, fd: number, facts: InterfaceFacts, everything: boolean, tried: string): boolean {
  const number = (value: number): Buffer => {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32LE(value);
    return bytes;
  };
  const set = (level: number, option: number, value: number): boolean =>
    c.setsockopt(fd, level, option, number(value), 4) === 0;
  // Since Linux 4.20. Older ones hand our own frames back, and PacketLink drops these by their source.
  const hearsItself = !everything && !set(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1);
  // Only CAP_NET_ADMIN may go beyond the system's limit.
  if (!set(SOL_SOCKET, SO_RCVBUFFORCE, QUEUE)) set(SOL_SOCKET, SO_RCVBUF, QUEUE);
  if (!set(SOL_SOCKET, SO_SNDBUFFORCE, QUEUE)) set(SOL_SOCKET, SO_SNDBUF, QUEUE);
  if (!everything && !hearOwnVlan(c, fd, facts.mac, facts.index)) {
    throw libcError(tried, 'SO_ATTACH_FILTER', c.errno());
  }
  // struct sockaddr_ll: family 2, protocol 2 (big-endian), ifindex 4, then the address, which bind ignores.
  const address = Buffer.alloc(20);
  address.writeUInt16LE(AF_PACKET, 0);
  // What is sent passes by sockets of all protocols only (net/core/dev.c, dev_queue_xmit_nit).
  address.writeUInt16BE(everything ? ETH_P_ALL : ETHERTYPE_AOE, 2);
  address.writeInt32LE(facts.index, 4);
  if (c.bind(fd, address, address.length) !== 0) throw libcError(tried, 'bind', c.errno());
  return hearsItself;
}

/** struct packet_mreq: ifindex 4, type 2, length of the address 2, address 8. Where it is refused, less is heard. */
function hearForeign(c: Libc, fd: number, facts: InterfaceFacts): void {
  const membership = Buffer.alloc(16);
  membership.writeInt32LE(facts.index, 0);
  membership.writeUInt16LE(PACKET_MR_PROMISC, 4);
  c.setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, membership, membership.length);
}

class PacketLink implements Link {
  readonly name: string;
  readonly mac: Mac;
  mtu: number;
  onFrame: FrameListener | undefined;
  trouble: string | undefined;
  readonly #c: Libc;
  readonly #fd: number;
  readonly #ring: ReceiveRing;
  readonly #poll: PollHandle;
  readonly #hearsItself: boolean;
  readonly #iface: string;
  #due = false;
  #closed = false;

  constructor(c: Libc, fd: number, name: string, facts: InterfaceFacts, hearsItself: boolean) {
    this.#c = c;
    this.#iface = facts.name;
    this.#fd = fd;
    this.name = name;
    this.mac = facts.mac;
    this.mtu = facts.mtu;
    this.trouble = facts.isUp ? undefined : `interface ${name} is down`;
    this.#hearsItself = hearsItself;
    this.#ring = new ReceiveRing(c, fd, facts.mtu + ETHERNET_HEADER);
    this.#poll = c.poll(fd, (status) => {
      if (this.#due) return;
      this.#due = true;
      setImmediate(() => this.#receive(status));
    });
    open.add(this);
  }

  send(frame: Uint8Array): boolean {
    if (this.#closed) throw this.#sendError(frame, 'the link is closed');
    for (;;) {
      if (this.#c.send(this.#fd, frame, frame.length, 0) >= 0) {
        this.trouble = undefined;
        return true;
      }
      const errno = this.#c.errno();
      switch (errno) {
        case EINTR:
          continue;
        case EAGAIN:
        case ENOBUFS:
          this.trouble = 'the send queue is full';
          return false;
        case ENETDOWN:
          this.trouble = `interface ${this.name} is down`;
          return false;
        case ENXIO:
        case ENODEV:
          throw this.#sendError(frame, 'the interface is gone');
        case EMSGSIZE:
          // It has been lowered: whoever sends can look how far.
          this.mtu = interfaceMtu(this.#c, this.#fd, this.#iface) ?? this.mtu;
          throw this.#sendError(frame, `it is longer than the MTU of ${this.mtu} bytes allows`);
        default:
          throw this.#sendError(frame, `send failed, ${describeErrno(errno)}`);
      }
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.onFrame = undefined;
    open.delete(this);
    this.#poll.close();
    this.#c.close(this.#fd);
  }

  #receive(status: number): void {
    this.#due = false;
    if (this.#closed) return;
    if (status < 0) this.#recover();
    for (let round = 0; round < ROUNDS; round++) {
      // A socket error (interface down) comes as -1 as well and is thereby consumed: what follows is as before.
      const count = this.#ring.receive();
      for (let index = 0; index < count; index++) {
        const frame = this.#ring.frame(index);
        if (!(this.#hearsItself && this.#isOwn(frame))) this.onFrame?.(frame);
        // The listener may have closed the link.
        if (this.#closed) return;
      }
      if (count < this.#ring.count) return;
    }
  }

  /** The event loop stops polling a socket that reports an error; once read the error is gone, and polling resumes. */
  #recover(): void {
    const value = Buffer.alloc(4);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(4);
    this.#c.getsockopt(this.#fd, SOL_SOCKET, SO_ERROR, value, length);
    this.#poll.restart();
  }

  /** Loopback gives every frame back with the only address there is: there the source tells nothing. */
  #isOwn(frame: Buffer): boolean {
    return this.mac !== 0 && frame.length >= ETHERNET_HEADER && frame.readUIntBE(6, 6) === this.mac;
  }

  #sendError(frame: Uint8Array, happened: string): LabError {
    return new LabError({ tried: `sending a frame of ${frame.length} bytes on ${this.name}`, happened });
  }
}

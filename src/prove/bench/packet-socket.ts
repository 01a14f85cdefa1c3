import { type Libc, libcError } from '../../base/libc/libc.js';
import { ETHERTYPE_AOE, type Mac, writeMac } from '../../wire/aoe/ethernet.js';
import { type InterfaceFacts, interfaceFacts, interfaceNames } from '../../wire/link/interface.js';
import { inNamespace } from '../../wire/link/netns.js';
import { attachFilter, Op } from '../../wire/link/socket-filter.js';

const AF_PACKET = 17;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_RCVTIMEO = 20;
const SO_SNDBUFFORCE = 32;
const SO_RCVBUFFORCE = 33;
const SOL_PACKET = 263;
const PACKET_IGNORE_OUTGOING = 23;
/** Bytes: several times what the deepest queue of the largest frames takes. */
const QUEUE = 32 << 20;

/**
 * A packet socket for AoE that waits: a call for frames returns when one is there, or without any after `wait`.
 * @param wait milliseconds
 * @throws LabError if it can't be had
 */
export function openPacketSocket(
  c: Libc,
  iface: string,
  netns: string | undefined,
  wait: number,
): { fd: number; facts: InterfaceFacts } {
  const tried = `opening a packet socket on ${iface}`;
  const make = () => {
    const fd = c.socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    if (fd < 0) throw libcError(tried, 'socket', c.errno());
    return { fd, facts: interfaceFacts(c, fd, iface, interfaceNames) };
  };
  const { fd, facts } = netns === undefined ? make() : inNamespace(c, netns, make);
  const number = Buffer.alloc(4);
  const set = (level: number, option: number, value: number): void => {
    number.writeInt32LE(value);
    c.setsockopt(fd, level, option, number, 4);
  };
  set(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1);
  set(SOL_SOCKET, SO_RCVBUFFORCE, QUEUE);
  set(SOL_SOCKET, SO_SNDBUFFORCE, QUEUE);
  setWait(c, fd, wait);
  hearOwnStation(c, fd, facts.mac);
  const address = Buffer.alloc(20);
  address.writeUInt16LE(AF_PACKET, 0);
  address.writeUInt16BE(ETHERTYPE_AOE, 2);
  address.writeInt32LE(facts.index, 4);
  if (c.bind(fd, address, address.length) !== 0) throw libcError(tried, 'bind', c.errno());
  return { fd, facts };
}

/** How long a receiving call of a socket waits. @param wait milliseconds */
export function setWait(c: Libc, fd: number, wait: number): void {
  const time = Buffer.alloc(16);
  time.writeBigInt64LE(BigInt(Math.floor(wait / 1000)), 0);
  time.writeBigInt64LE(BigInt((wait % 1000) * 1000), 8);
  c.setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, time, 16);
}

/** What goes to other stations costs the generator nothing. */
function hearOwnStation(c: Libc, fd: number, mac: Mac): void {
  const bytes = Buffer.alloc(6);
  writeMac(mac, bytes, 0);
  attachFilter(c, fd, [
    [Op.loadWord, 0],
    [Op.jumpEqual, bytes.readUInt32BE(0), undefined, 'drop'],
    [Op.loadHalf, 4],
    [Op.jumpEqual, bytes.readUInt16BE(4), 'pass', 'drop'],
  ]);
}

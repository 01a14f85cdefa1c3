import { readFileSync } from 'node:fs';
import { MissingError, UsageError } from '../../base/errors.js';
import { type Libc, libcError } from '../../base/libc/libc.js';
import { type Master, portWords, takesFrames } from '../../base/port-of.js';
import { type Mac, readMac } from '../aoe/ethernet.js';
import { linkFacts } from './rtnetlink.js';

/**
 * What a network interface is, asked by ioctl (netdevice(7)) on a socket: the answer is that of the socket's
 * namespace, which /sys may not be.
 *
 * struct ifreq: name of 16 bytes, then a union of 24.
 */
export interface InterfaceFacts {
  /** As these questions take it: a short name. */
  name: string;
  index: number;
  mac: Mac;
  /** Bytes. */
  mtu: number;
  isUp: boolean;
}

const SIOCGIFFLAGS = 0x8913;
const SIOCGIFMTU = 0x8921;
const SIOCGIFHWADDR = 0x8927;
const SIOCGIFINDEX = 0x8933;
const IFREQ = 40;
const UNION = 16;
const MAX_NAME = 15;
const IFF_UP = 1;
const ENODEV = 19;
/** A port of a bond of a bridge, and more. */
const DEEPEST = 8;
/** Hardware types with Ethernet headers: ARPHRD_ETHER, ARPHRD_LOOPBACK. */
const ETHERNET_TYPES = [1, 772];

/**
 * @param fd a socket in the interface's namespace
 * @param existing lists the names that are there, for the message
 * @param mayBeDown whether an interface that is down will do
 * @throws UsageError if there is no such interface, or it is not an Ethernet one · MissingError if it is down
 */
export function interfaceFacts(
  libc: Libc,
  fd: number,
  name: string,
  existing: () => string[],
  mayBeDown = false,
): InterfaceFacts {
  const tried = `opening the interface ${name}`;
  // An altname may be longer than what fits into these questions.
  const short = Buffer.byteLength(name) > MAX_NAME ? (linkFacts(libc, name)?.name ?? '') : name;
  if (short === '') throw noSuchInterface(tried, name, existing());
  const ask = (request: number, call: string): Buffer => {
    const ifreq = Buffer.alloc(IFREQ);
    ifreq.write(short, 0, MAX_NAME);
    if (libc.ioctl(fd, request, ifreq) < 0) {
      const errno = libc.errno();
      throw errno === ENODEV
        ? noSuchInterface(tried, name, existing())
        : libcError(tried, `ioctl ${call}`, errno);
    }
    return ifreq.subarray(UNION);
  };
  const index = ask(SIOCGIFINDEX, 'SIOCGIFINDEX').readInt32LE(0);
  const hardware = ask(SIOCGIFHWADDR, 'SIOCGIFHWADDR');
  const type = hardware.readUInt16LE(0);
  if (!ETHERNET_TYPES.includes(type)) {
    throw new UsageError({
      tried,
      happened: `it is no Ethernet interface (hardware type ${type}), and AoE is carried by Ethernet alone`,
      next: `name an Ethernet interface; there are: ${existing().join(', ')}`,
    });
  }
  const isUp = (ask(SIOCGIFFLAGS, 'SIOCGIFFLAGS').readUInt16LE(0) & IFF_UP) !== 0;
  if (!isUp && !mayBeDown) {
    throw new MissingError({
      tried,
      happened: 'the interface is down',
      next: `bring it up, in its namespace if it has one: ip link set ${name} up`,
      missing: [name],
    });
  }
  const mtu = ask(SIOCGIFMTU, 'SIOCGIFMTU').readInt32LE(0);
  return { name: short, index, mac: readMac(hardware, 2), mtu, isUp };
}

/** The MTU of an interface now; undefined if it can't be asked any more. */
export function interfaceMtu(libc: Libc, fd: number, name: string): number | undefined {
  const ifreq = Buffer.alloc(IFREQ);
  ifreq.write(name, 0, MAX_NAME);
  return libc.ioctl(fd, SIOCGIFMTU, ifreq) < 0 ? undefined : ifreq.readInt32LE(UNION);
}

/**
 * Refuses an interface whose frames go to what it is a port of: answers would never be heard.
 * @throws UsageError that names the right one
 */
export function refusePort(libc: Libc, name: string): void {
  const facts = linkFacts(libc, name);
  const chain: Master[] = [];
  let master = facts?.master;
  while (master !== undefined && takesFrames(master) && chain.length < DEEPEST) {
    chain.push(master);
    master = linkFacts(libc, master.name)?.master;
  }
  if (facts === undefined || chain.length === 0) return;
  throw new UsageError({ tried: `opening the interface ${name}`, ...portWords(facts.name, chain, 'use') });
}

function noSuchInterface(tried: string, name: string, existing: readonly string[]): UsageError {
  return new UsageError({
    tried,
    happened: `there is no interface "${name}"; there are: ${existing.join(', ') || 'none'}`,
    next: 'name one of these; for one in a network namespace add --netns NAME',
  });
}

/** Names of the interfaces in the calling thread's namespace. */
export function interfaceNames(): string[] {
  return readFileSync('/proc/thread-self/net/dev', 'utf8')
    .split('\n')
    .slice(2)
    .map((line) => line.slice(0, line.indexOf(':')).trim())
    .filter((name) => name !== '');
}

/** What the kernel tells of an interface by rtnetlink(7): its real name, and what it is a port of. */

import type { Libc } from '../../base/libc/libc.js';
import type { Master } from '../../base/port-of.js';

export interface LinkFacts {
  name: string;
  master: Master | undefined;
}

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const RTM_NEWLINK = 16;
const RTM_GETLINK = 18;
const NLM_F_REQUEST = 1;
/** struct nlmsghdr, struct ifinfomsg. */
const HEADER = 16;
const INFO = 16;
/** linux/if_link.h */
const IFLA_IFNAME = 3;
const IFLA_MASTER = 10;
const IFLA_LINKINFO = 18;
const IFLA_INFO_KIND = 1;
const IFLA_INFO_SLAVE_KIND = 4;
const IFLA_EXT_MASK = 29;
const IFLA_ALT_IFNAME = 53;
const SKIP_STATS = 8;
const TYPE_MASK = 0x3fff;
const MAX_NAME = 15;
/** Virtual functions of a card are listed with it, some hundred bytes each. */
const ANSWER = 64 << 10;

/**
 * Asks in the calling thread's network namespace.
 * @param name or altname
 * @returns undefined if there is none of that name, or the system does not tell
 */
export function linkFacts(libc: Libc, name: string): LinkFacts | undefined {
  const fd = libc.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0);
  if (fd < 0) return undefined;
  try {
    const type = Buffer.byteLength(name) > MAX_NAME ? IFLA_ALT_IFNAME : IFLA_IFNAME;
    const link = ask(libc, fd, 0, attribute(type, Buffer.from(`${name}\0`)));
    if (link === undefined) return undefined;
    const index = link.get(IFLA_MASTER)?.readUInt32LE(0);
    const facts = { name: text(link.get(IFLA_IFNAME)), master: undefined };
    if (index === undefined) return facts;
    const master = ask(libc, fd, index, Buffer.alloc(0));
    const kind =
      text(attributes(link.get(IFLA_LINKINFO)).get(IFLA_INFO_SLAVE_KIND)) ||
      text(attributes(master?.get(IFLA_LINKINFO)).get(IFLA_INFO_KIND));
    return { ...facts, master: { name: text(master?.get(IFLA_IFNAME)) || `interface ${index}`, kind } };
  } finally {
    libc.close(fd);
  }
}

/** The answer to such a question is there when the question has been sent. */
function ask(libc: Libc, fd: number, index: number, by: Buffer): Map<number, Buffer> | undefined {
  const mask = Buffer.alloc(4);
  mask.writeUInt32LE(SKIP_STATS);
  const request = Buffer.concat([Buffer.alloc(HEADER + INFO), by, attribute(IFLA_EXT_MASK, mask)]);
  request.writeUInt32LE(request.length, 0);
  request.writeUInt16LE(RTM_GETLINK, 4);
  request.writeUInt16LE(NLM_F_REQUEST, 6);
  request.writeInt32LE(index, HEADER + 4);
  if (libc.send(fd, request, request.length, 0) < 0) return undefined;
  const answer = Buffer.alloc(ANSWER);
  const length = libc.recv(fd, answer, answer.length, 0);
  if (length < HEADER + INFO || answer.readUInt16LE(4) !== RTM_NEWLINK) return undefined;
  return attributes(answer.subarray(HEADER + INFO, Math.min(length, answer.readUInt32LE(0))));
}

/** struct rtattr: length with its header 2, type 2, then the value; padded to 4. */
function attribute(type: number, value: Buffer): Buffer {
  const bytes = Buffer.alloc(4 + Math.ceil(value.length / 4) * 4);
  bytes.writeUInt16LE(4 + value.length, 0);
  bytes.writeUInt16LE(type, 2);
  value.copy(bytes, 4);
  return bytes;
}

function attributes(bytes: Buffer = Buffer.alloc(0)): Map<number, Buffer> {
  const found = new Map<number, Buffer>();
  for (let at = 0; at + 4 <= bytes.length; ) {
    const length = bytes.readUInt16LE(at);
    if (length < 4) break;
    found.set(bytes.readUInt16LE(at + 2) & TYPE_MASK, bytes.subarray(at + 4, at + length));
    at += Math.ceil(length / 4) * 4;
  }
  return found;
}

function text(value: Buffer | undefined): string {
  return value?.toString('latin1').replace(/\0.*$/s, '') ?? '';
}

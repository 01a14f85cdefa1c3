/** What a host says of its files, disks and those who use them, at one moment. No I/O; gathered by survey.ts. */

import type { Step, User } from '../../base/files/trust.js';

/** `MAJOR:MINOR`, decimal. */
export type DeviceNumber = string;

/** A file by what it is, whatever it is called: unique on a host as long as the file exists. */
export interface FileId {
  /** Of the file system it lies on; may be another one after a reboot. */
  dev: DeviceNumber;
  inode: string;
  /** Seconds since 1970; null where the file system keeps none. */
  birth: number | null;
}

export interface NodeFacts {
  kind: 'file' | 'folder' | 'block' | 'link' | 'other';
  id: FileId;
  /** Bytes; of a device, 0. */
  size: number;
  /** Blocks of 512 bytes that are allocated. */
  blocks: number;
  uid: number;
  /** Of a device node. */
  number: DeviceNumber;
}

/** One name that was asked about. */
export interface NameFacts {
  name: string;
  /** What is there, links followed; undefined: nothing. */
  node: NodeFacts | undefined;
  /** Why it could not be looked at; `node` is undefined then, too. */
  trouble: string | undefined;
  /** A line break in its name, or on the way there: what is told of it can't be relied on. */
  broken: boolean;
  /** Names on the way through links, each absolute with its folder resolved; the last one is what is meant. */
  hops: string[];
  /** Every name on the way, folders too, from `/` on. */
  way: Step[];
  readable: boolean;
  writable: boolean;
  folder: { exists: boolean; path: string; writable: boolean };
  /** Of the file system it lies on, or would lie on: bytes, and the number that statfs(2) gives it, in hexadecimal. */
  room: { free: number; unit: number; type: string; id: string } | undefined;
  /** Its first kibibyte and its last 512 bytes. */
  head: Buffer;
  tail: Buffer;
}

export interface BlockFacts {
  /** The kernel's own, such as `sda1`. */
  name: string;
  number: DeviceNumber;
  /** Bytes. */
  size: number;
  readOnly: boolean;
  /** Bytes that direct I/O is aligned to. */
  sectorSize: number;
  /** Of a partition: the disk, and where it begins there in bytes. */
  partition?: { disk: string; start: number };
  /** Names of the devices that it lies on. */
  slaves: string[];
  /** Of a loop device that is attached; `id` is undefined where the host's losetup does not tell it. */
  loop?: { file: string; id: { dev: DeviceNumber; inode: string } | undefined; start: number; limit: number };
  /** What tells it from other disks, by its name below sysfs: `dm/uuid`, `wwid`, `device/serial` … */
  facts: Record<string, string>;
}

export interface Mount {
  number: DeviceNumber;
  /** As the mount was made: a device, or anything. */
  source: string;
  place: string;
}

export interface Writer {
  pid: number;
  /** Of a file; of a device node, `number` counts. */
  id: { dev: DeviceNumber; inode: string };
  number: DeviceNumber | undefined;
}

export interface Lock {
  /** -1 where no process is known (OFD locks that are of nobody that is seen). */
  pid: number;
  kind: string;
  id: { dev: DeviceNumber; inode: string };
}

export interface StorageSnapshot {
  /** Who asked. */
  user: User;
  /** Changes at each boot. */
  bootId: string;
  /** What tells the host from others: machine-id(5), or its name where it has none. */
  machineId: string;
  names: ReadonlyMap<string, NameFacts>;
  /** Files behind the loop devices that names lead to. */
  behind: readonly NameFacts[];
  /** By kernel name. */
  blocks: ReadonlyMap<string, BlockFacts>;
  mounts: readonly Mount[];
  /** Swap areas; `node` as of the name that the kernel knows. */
  swaps: readonly { name: string; node: NodeFacts | undefined }[];
  locks: readonly Lock[];
  writers: readonly Writer[];
  /** Links below /dev → the kernel's name of what they lead to. */
  links: ReadonlyMap<string, string>;
  /** Devices, by kernel name, that somebody has opened exclusively; undefined: the host has nothing to ask by. */
  held: ReadonlySet<string> | undefined;
}

export function sameFile(
  a: { dev: string; inode: string } | undefined,
  b: { dev: string; inode: string } | undefined,
): boolean {
  return a !== undefined && b !== undefined && a.dev === b.dev && a.inode === b.inode;
}

/** The device behind a node; undefined of a file. @throws never */
export function blockOf(snapshot: StorageSnapshot, node: NodeFacts | undefined): BlockFacts | undefined {
  if (node?.kind !== 'block') return undefined;
  return byNumber(snapshot, node.number);
}

export function byNumber({ blocks }: StorageSnapshot, number: DeviceNumber): BlockFacts | undefined {
  return [...blocks.values()].find((block) => block.number === number);
}

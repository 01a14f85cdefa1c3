/**
 * What a file or device is, whatever it is called, and whether a name still means it. A name means something by itself
 * where it is a link that the system keeps (`/dev/disk/by-id/…`, `/dev/vg/lv`) or that of a file; `/dev/sdb` is a number
 * that goes to another disk at the next boot. No I/O.
 */
import { posix } from 'node:path';
import { areOfOthers, sharedFacts } from '../../base/identity.js';
import { type BlockFacts, blockOf, type FileId, type NameFacts, type StorageSnapshot } from './snapshot.js';

/** `bootId`: numbers of file systems hold within one boot. */
export type Identity = FileIdentity | DeviceIdentity;

export interface FileIdentity extends FileId {
  kind: 'file';
  bootId: string;
}

export interface DeviceIdentity {
  kind: 'device';
  bootId: string;
  /** The kernel's name at that time, such as `sdb`. */
  block: string;
  /** Bytes. */
  size: number;
  /** By name below the sysfs folder of the device, or of its disk (`../serial`): WWN, serial, device-mapper UUID … */
  facts: Record<string, string>;
  /** Of a loop device: the file behind it. */
  file?: { path: string; dev: string | null; inode: string | null };
}

/** Undefined where nothing is. */
export function identityOf(snapshot: StorageSnapshot, { node }: NameFacts): Identity | undefined {
  if (node?.kind === 'file') return { kind: 'file', bootId: snapshot.bootId, ...node.id };
  const block = blockOf(snapshot, node);
  return block === undefined ? undefined : deviceIdentity(snapshot, block);
}

export function deviceIdentity({ blocks, bootId }: StorageSnapshot, block: BlockFacts): DeviceIdentity {
  const { partition, loop } = block;
  const disk = partition === undefined ? undefined : blocks.get(partition.disk);
  const ofDisk = Object.entries(disk?.facts ?? {}).map(([name, text]) => [`../${name}`, text]);
  const behind = loop ?? disk?.loop;
  return {
    kind: 'device',
    bootId,
    block: block.name,
    size: block.size,
    facts: {
      ...block.facts,
      ...Object.fromEntries(ofDisk),
      ...(partition === undefined ? {} : { start: String(partition.start / 512) }),
    },
    ...(behind === undefined
      ? {}
      : { file: { path: behind.file, dev: behind.id?.dev ?? null, inode: behind.id?.inode ?? null } }),
  };
}

/**
 * Whether two identities are of one thing. A size may change, and what only one of them knows is not held against it.
 */
export function isSame(before: Identity, now: Identity): boolean {
  const sameBoot = before.bootId === now.bootId;
  if (before.kind === 'file') {
    if (now.kind !== 'file' || before.inode !== now.inode) return false;
    if (sameBoot && before.dev !== now.dev) return false;
    return before.birth === null || now.birth === null || before.birth === now.birth;
  }
  if (now.kind !== 'device') return false;
  const shared = sharedFacts(before.facts, now.facts);
  if (shared.some((name) => before.facts[name] !== now.facts[name])) return false;
  if (before.file !== undefined || now.file !== undefined) return isSameBehind(before, now, sameBoot);
  // Nothing tells it from others: the kernel's name is all there is, and it holds within one boot.
  if (shared.every((name) => name === 'start')) return before.block === now.block && before.size === now.size;
  return true;
}

/** Whether two identities are known to be of two things, by what both tell: where nothing does, that is not known. */
export function isKnownOther(before: Identity, now: Identity): boolean {
  if (before.kind === 'file' || now.kind === 'file') return !isSame(before, now);
  if (areOfOthers(before.facts, now.facts)) return true;
  if (before.file === undefined && now.file === undefined) return false;
  return !isSameBehind(before, now, before.bootId === now.bootId);
}

function isSameBehind(before: DeviceIdentity, now: DeviceIdentity, sameBoot: boolean): boolean {
  const [a, b] = [before.file, now.file];
  if (a === undefined || b === undefined) return false;
  if (a.inode !== null && b.inode !== null) {
    return a.inode === b.inode && (!sameBoot || a.dev === b.dev);
  }
  return a.path === b.path;
}

/** Where the thing is now that an identity is of; undefined: nowhere. */
export function whereIs(snapshot: StorageSnapshot, identity: DeviceIdentity): BlockFacts | undefined {
  return [...snapshot.blocks.values()].find((block) => isSame(identity, deviceIdentity(snapshot, block)));
}

/**
 * Whether a name is a device node itself, so that it may be another disk after a reboot; a link of the user's own to such
 * a node is no better. Nodes of the device mapper bear its names.
 */
export function isMoving(snapshot: StorageSnapshot, { node, hops, name }: NameFacts): boolean {
  const block = blockOf(snapshot, node);
  if (block === undefined) return false;
  const first = [posix.normalize(name), ...hops].find((hop) => hop.startsWith('/dev/'));
  const last = hops.at(-1);
  if (first !== undefined && first !== last) return false;
  return !(last?.startsWith('/dev/mapper/') && posix.basename(last) === block.facts['dm/name']);
}

/** Best first. Names of a place (by-path) and of what is written into a disk (by-uuid, by-label) go over to other disks. */
const STABLE = [
  /^\/dev\/mapper\//,
  /^\/dev\/disk\/by-id\/(wwn|nvme-eui|nvme-uuid|dm-uuid|md-uuid)-?/,
  /^\/dev\/disk\/by-id\/(?!lvm-pv-uuid-)/,
  /^\/dev\/zvol\//,
  /^\/dev\/md\//,
  /^\/dev\/drbd\/by-/,
  /^\/dev\/disk\/by-partuuid\//,
  /^\/dev\/(?!disk|block|char|fd|mapper|shm|pts|dm-)[^/]+\/[^/]+$/,
];

/** The name of a device that stays with it, best first; undefined where there is none. */
export function stableName({ links }: StorageSnapshot, block: BlockFacts): string | undefined {
  const names = [...links].filter(([, kernel]) => kernel === block.name).map(([name]) => name);
  for (const pattern of STABLE) {
    const found = names.filter((name) => pattern.test(name)).sort();
    if (found[0] !== undefined) return found[0];
  }
  return undefined;
}

/** Best first. */
const TOLD = ['dm/name', 'wwid', 'device/wwid', 'serial', 'device/serial', 'md/uuid', 'uuid', 'dm/uuid'];

/** A device in words: "/dev/sdb (serial S1)". */
export function describeDevice(snapshot: StorageSnapshot, block: BlockFacts): string {
  return describeIdentity(deviceIdentity(snapshot, block));
}

/** The same, or "the file with inode 12". */
export function describeIdentity(identity: Identity): string {
  if (identity.kind === 'file') return `a file (inode ${identity.inode})`;
  const { facts, file, block } = identity;
  const telling = TOLD.flatMap((name) => [name, `../${name}`]).find((name) => facts[name] !== undefined);
  const what =
    file !== undefined ? file.path : telling === undefined ? undefined : `${telling} ${facts[telling]}`;
  return `/dev/${block}${what === undefined ? '' : ` (${what})`}`;
}

/** Where the bytes of a file or device lie, so that two names of the same ones are known for that. No I/O. */
import type { BlockFacts, StorageSnapshot } from './snapshot.js';

/** A stretch of a file or disk. */
export interface Region {
  /** `file DEV:INODE` or `disk NAME`. */
  root: string;
  /** Bytes. */
  start: number;
  /** Bytes. */
  end: number;
}

export interface Extent {
  /** Itself, and what it is a plain stretch of: a partition's disk, a loop device's file. */
  own: Region[];
  /** All that it is made of in a way that is not known in detail (LVM, MD, crypt): whole devices. */
  below: Region[];
}

export function rootOf({ dev, inode }: { dev: string; inode: string }): string {
  return `file ${dev}:${inode}`;
}

export function fileExtent(id: { dev: string; inode: string }, from: number, to: number): Extent {
  return { own: [{ root: rootOf(id), start: from, end: to }], below: [] };
}

/** @param from bytes @param to bytes */
export function blockExtent(
  snapshot: StorageSnapshot,
  block: BlockFacts,
  from = 0,
  to = block.size,
  depth = 0,
): Extent {
  const own: Region[] = [{ root: `disk ${block.name}`, start: from, end: to }];
  const below: Region[] = [];
  const add = (extent: Extent, isPlain: boolean): void => {
    (isPlain ? own : below).push(...extent.own);
    below.push(...extent.below);
  };
  // Deeper than any stack that a kernel builds.
  if (depth > 16) return { own, below };
  const { partition, loop } = block;
  const disk = partition && snapshot.blocks.get(partition.disk);
  if (partition !== undefined && disk !== undefined) {
    const at = partition.start;
    add(blockExtent(snapshot, disk, at + from, at + to, depth + 1), true);
  }
  if (loop !== undefined) add(behindLoop(snapshot, loop, from, to, depth), true);
  for (const name of block.slaves) {
    const slave = snapshot.blocks.get(name);
    if (slave !== undefined) add(blockExtent(snapshot, slave, 0, slave.size, depth + 1), false);
  }
  return { own, below };
}

function behindLoop(
  snapshot: StorageSnapshot,
  loop: NonNullable<BlockFacts['loop']>,
  from: number,
  to: number,
  depth: number,
): Extent {
  const named = snapshot.names.get(loop.file)?.node;
  const id = loop.id ?? (named?.kind === 'file' ? named.id : undefined);
  // A loop device on a device: losetup tells the inode of the node, sysfs its name.
  const device = /^\/dev\/([^/]+)$/.exec(loop.file)?.[1];
  const block = device === undefined ? undefined : snapshot.blocks.get(device);
  if (block !== undefined) {
    return blockExtent(snapshot, block, loop.start + from, loop.start + to, depth + 1);
  }
  return id === undefined ? { own: [], below: [] } : fileExtent(id, loop.start + from, loop.start + to);
}

/** Whether a write to one may change what the other reads. */
export function overlaps(a: Extent, b: Extent): boolean {
  return meet(a.own, b.own) || meet(a.own, b.below) || meet(a.below, b.own);
}

function meet(some: readonly Region[], others: readonly Region[]): boolean {
  return some.some((a) => others.some((b) => a.root === b.root && a.start < b.end && b.start < a.end));
}

/** Whether what exports may still write has room on the file systems that their files lie on. No I/O. */
import { posix } from 'node:path';
import { bounded } from '../../base/escape.js';
import { formatSize } from '../../base/units.js';
import { extentOf } from './in-use.js';
import { rootOf } from './regions.js';
import type { NameFacts, StorageSnapshot } from './snapshot.js';

/** A stretch that an export may write to. */
export interface Filling {
  /** Of the export. */
  id: string;
  /** See `plainName`; the snapshot has been asked about it. */
  name: string;
  /** Bytes that the file gets, if it is still to be made. */
  size: number;
  /** Bytes from its beginning. */
  from: number;
  to: number;
}

type Room = NonNullable<NameFacts['room']>;

/** A file that is written to, itself or through loop devices. */
interface Sink {
  room: Room;
  /** Bytes that are not allocated yet. */
  holes: number;
  stretches: { start: number; end: number }[];
}

/** Exports that are named. */
const MOST_NAMED = 5;

/**
 * Sparse files are promises, and all those of a file system draw on the same room.
 * @param others that are there besides, or are made before it
 * @returns what to tell of `one`
 */
export function roomWarnings(snapshot: StorageSnapshot, one: Filling, others: readonly Filling[]): string[] {
  const own = sinksOf(snapshot, [one]);
  return own.flatMap(({ room }, index) => {
    const isFirst = own.findIndex((sink) => isSameRoom(sink.room, room)) === index;
    const alone = wantedOf(own, room);
    if (!isFirst || alone === 0) return [];
    const beside = others.filter((other) => wantedOf(sinksOf(snapshot, [other]), room) > 0);
    const all = wantedOf(sinksOf(snapshot, [one, ...beside]), room);
    if (all <= room.free) return [];
    const ids = bounded(
      beside.map(({ id }) => id),
      MOST_NAMED,
    ).join(', ');
    const together = all > alone ? `, and ${formatSize(all)} with those of ${ids}` : '';
    return [
      `${formatSize(alone)} of it are not allocated yet${together}, and its file system (${room.type}) has ${formatSize(room.free)} free: writes will fail when that is full`,
    ];
  });
}

/** Each file once, with all that may be written of it. */
function sinksOf(snapshot: StorageSnapshot, fillings: readonly Filling[]): Sink[] {
  const sinks = new Map<string, Sink>();
  const add = (key: string, room: Room | undefined, holes: number, start: number, end: number): void => {
    if (room === undefined) return;
    const sink = sinks.get(key) ?? { room, holes, stretches: [] };
    sink.stretches.push({ start, end });
    sinks.set(key, sink);
  };
  for (const { name, size, from, to } of fillings) {
    const facts = snapshot.names.get(name);
    if (facts === undefined) continue;
    if (facts.node === undefined) {
      const path = posix.join(facts.folder.path, posix.basename(name));
      add(`new ${path}`, facts.room, size, from, to);
      continue;
    }
    const { own = [], below = [] } = extentOf(snapshot, facts, from, to) ?? {};
    for (const { root, start, end } of [...own, ...below]) {
      const file = fileOf(snapshot, root);
      if (file?.node === undefined) continue;
      add(root, file.room, Math.max(0, file.node.size - file.node.blocks * 512), start, end);
    }
  }
  return [...sinks.values()];
}

/** Of each snapshot: it is asked once more for each other export. */
const filesOf = new WeakMap<StorageSnapshot, Map<string, NameFacts>>();

function fileOf(snapshot: StorageSnapshot, root: string): NameFacts | undefined {
  let files = filesOf.get(snapshot);
  if (files === undefined) {
    files = new Map();
    for (const facts of [...snapshot.names.values(), ...snapshot.behind]) {
      const key = facts.node?.kind === 'file' ? rootOf(facts.node.id) : undefined;
      if (key !== undefined && !files.has(key)) files.set(key, facts);
    }
    filesOf.set(snapshot, files);
  }
  return files.get(root);
}

/** Where a file's holes are is not known: at most all of them lie within what may be written. */
function wantedOf(sinks: readonly Sink[], room: Room): number {
  return sinks
    .filter((sink) => isSameRoom(sink.room, room))
    .reduce((sum, { holes, stretches }) => sum + Math.min(holes, lengthOf(stretches)), 0);
}

function lengthOf(stretches: Sink['stretches']): number {
  let length = 0;
  let reached = 0;
  for (const { start, end } of stretches.toSorted((a, b) => a.start - b.start)) {
    length += Math.max(0, end - Math.max(start, reached));
    reached = Math.max(reached, end);
  }
  return length;
}

/** A few file systems have no number: what is free tells them apart then. */
function isSameRoom(a: Room, b: Room): boolean {
  return a.type === b.type && a.id === b.id && (/[1-9a-f]/.test(a.id) || a.free === b.free);
}

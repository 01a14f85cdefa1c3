/** Whether an export that is made has room for what it may write, beside those that are there. No I/O. */

import { SECTOR } from '../../wire/aoe/index.js';
import type { Backing } from '../storage/backing.js';
import { type Filling, roomWarnings } from '../storage/room.js';
import type { StorageSnapshot } from '../storage/snapshot.js';
import { type ExportEntry, exportId, sectorsOf } from './entry.js';
import type { ExportSpec } from './spec.js';

/** @param entries exports of the host that stay, and those that are made before it */
export function tellRoom(
  snapshot: StorageSnapshot,
  entries: readonly ExportEntry[],
  spec: Pick<ExportSpec, 'options'>,
  { name, size }: Pick<Backing, 'name' | 'size'>,
): string[] {
  const { readOnly, offset = 0, length } = spec.options;
  if (readOnly) return [];
  const from = offset * SECTOR;
  const to = length === undefined ? size : from + length * SECTOR;
  const one = { id: 'it', name, size, from, to };
  return roomWarnings(snapshot, one, entries.flatMap(fillingOf));
}

function fillingOf(entry: ExportEntry): Filling[] {
  const { backing, options } = entry;
  if (options.readOnly) return [];
  const from = (options.offset ?? 0) * SECTOR;
  const { name, size } = backing;
  return [{ id: exportId(entry), name, size, from, to: from + sectorsOf(entry) * SECTOR }];
}

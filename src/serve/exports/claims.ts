/** Which bytes exports serve, and which of them serve the same. No I/O. */
import { formatAddress, SECTOR } from '../../wire/aoe/index.js';
import { type Claim, extentOf, sharers } from '../storage/in-use.js';
import { fileExtent } from '../storage/regions.js';
import type { StorageSnapshot } from '../storage/snapshot.js';
import { type ExportEntry, exportId, sectorsOf } from './entry.js';

/** What tells whether two exports are one disk that is served on two interfaces. */
export type Way = Pick<ExportEntry, 'implementation' | 'netns' | 'shelf' | 'slot'> & {
  options: Pick<ExportEntry['options'], 'offset' | 'length'>;
};

/**
 * Whether an export is another interface to the same disk: the same address, file and slice, by the same daemon.
 * @param name of the file, absolute
 */
export function isSecondWay(entry: ExportEntry, other: Way, name: string): boolean {
  const { options } = other;
  return (
    entry.implementation === other.implementation &&
    entry.netns === other.netns &&
    formatAddress(entry) === formatAddress(other) &&
    (entry.backing.name === name || entry.backing.opens === name) &&
    (entry.options.offset ?? 0) === (options.offset ?? 0) &&
    entry.options.length === options.length
  );
}

/** What an export serves, by what its name means now and by what it meant when it was exported. */
export function claimsOf(snapshot: StorageSnapshot, entry: ExportEntry): Claim[] {
  const { identity } = entry.backing;
  const { from, to, ...claim } = stretchOf(entry);
  const then = identity?.kind === 'file' ? [{ ...claim, extent: fileExtent(identity, from, to) }] : [];
  return [...claimNow(snapshot, entry), ...then];
}

function claimNow(snapshot: StorageSnapshot, entry: ExportEntry): Claim[] {
  const { from, to, ...claim } = stretchOf(entry);
  const facts = snapshot.names.get(entry.backing.name);
  const extent = facts && extentOf(snapshot, facts, from, to);
  return extent === undefined ? [] : [{ ...claim, extent }];
}

/** The bytes of its file that an export serves. */
export function stretchOf(entry: ExportEntry): Omit<Claim, 'extent'> & { from: number; to: number } {
  const { options } = entry;
  const from = (options.offset ?? 0) * SECTOR;
  const to = from + sectorsOf(entry) * SECTOR;
  return { id: exportId(entry), readOnly: options.readOnly ?? false, from, to };
}

/**
 * Exports whose names mean the same bytes now, though nobody agreed to that.
 * @returns by id of an export, the ids of the others
 */
export function clashes(
  snapshot: StorageSnapshot,
  entries: readonly ExportEntry[],
): ReadonlyMap<string, readonly string[]> {
  const claims = entries.map((entry) => claimNow(snapshot, entry));
  // By the files and disks that they touch, so that not each is held against all.
  const near = new Map<string, Set<number>>();
  claims.forEach((own, index) => {
    for (const { root } of own.flatMap(({ extent }) => [...extent.own, ...extent.below])) {
      near.set(root, (near.get(root) ?? new Set()).add(index));
    }
  });
  const found = new Map<string, Set<string>>();
  for (const group of near.values()) {
    for (const one of group) {
      for (const other of group) {
        const [a, b] = [entries[one], entries[other]];
        if (one === other || a === undefined || b === undefined || isAgreed(a, b)) continue;
        const [claim] = claims[one] ?? [];
        if (claim === undefined) continue;
        if (sharers(claim.extent, claim.readOnly, claims[other] ?? []).length === 0) continue;
        found.set(exportId(a), (found.get(exportId(a)) ?? new Set()).add(exportId(b)));
      }
    }
  }
  return new Map([...found].map(([id, others]) => [id, [...others].sort()]));
}

function isAgreed(a: ExportEntry, b: ExportEntry): boolean {
  const isAllowed = [a, b].some(({ allowed }) => allowed?.includes('exported'));
  return isAllowed || isSecondWay(a, b, b.backing.name);
}

/** What the name of an export means now, beside what it meant when it was exported. */
import { SECTOR } from '../aoe/index.js';
import { LabError } from '../errors.js';
import { linkText } from '../storage/backing.js';
import { describeDevice, type Identity, identityOf, isSame, whereIs } from '../storage/identity.js';
import { blockOf, type StorageSnapshot } from '../storage/snapshot.js';
import { surveyStorage } from '../storage/survey.js';
import { isLink, weaknesses } from '../trust.js';
import { linkDisk } from './disk-link.js';
import { type EntryStore, type ExportEntry, exportId } from './entry.js';

export interface Meaning {
  path: string;
  kind: 'file' | 'device';
  /** Bytes. */
  size: number;
  identity: Identity;
  /** Whether it is what was recorded; true where nothing was. */
  isSame: boolean;
}

/** Names to ask about for an entry. */
export function namesOf({ backing }: ExportEntry): string[] {
  return [backing.name];
}

/** @returns undefined where the name means nothing that could be served */
export function meaningOf(snapshot: StorageSnapshot, { backing }: ExportEntry): Meaning | undefined {
  const facts = snapshot.names.get(backing.name);
  const identity = facts && identityOf(snapshot, facts);
  if (facts === undefined || identity === undefined) return undefined;
  const block = blockOf(snapshot, facts.node);
  const before = backing.identity;
  return {
    path:
      block === undefined ? (facts.hops.at(-1) ?? backing.name) : `/dev/${block.name.replaceAll('!', '/')}`,
    kind: block === undefined ? 'file' : 'device',
    size: block?.size ?? facts.node?.size ?? 0,
    identity,
    isSame: before === null || isSame(before, identity),
  };
}

/** Why nothing of what the name of an entry means now can be served; undefined if something can. */
export function nothingToServe({ kind, size }: Meaning, entry: ExportEntry): string | undefined {
  const { name } = entry.backing;
  const offset = entry.options.offset ?? 0;
  if (size >= (offset + 1) * SECTOR) return undefined;
  if (size === 0) return kind === 'device' ? `${name} has no medium` : `${name} is empty (0 bytes)`;
  return `${name} has ${size} bytes, none of them from sector ${offset} on`;
}

/** Why what the name of an entry leads to is not served: by a link that was none, or is in somebody else's hands. */
export function strayLink(snapshot: StorageSnapshot, { backing }: ExportEntry): string | undefined {
  const { name, path, kind, links = name === path ? 'none' : 'own' } = backing;
  const facts = snapshot.names.get(name);
  if (facts === undefined || links === 'any') return undefined;
  const link = weaknesses(facts.way, snapshot.user).find(({ step }) => isLink(step));
  if (link !== undefined) return linkText(link);
  if (kind !== 'file' || links !== 'none' || facts.hops.length <= 1) return undefined;
  return `${name} was a file when it was exported, and is a link to ${facts.hops.at(-1)} now`;
}

/** Where the disk of an entry is now that its name does not mean any more: ": it is /dev/sdc now"; empty if nowhere. */
export function whereabouts(snapshot: StorageSnapshot, { backing }: ExportEntry): string {
  const { identity } = backing;
  if (identity?.kind !== 'device') return '';
  const block = whereIs(snapshot, identity);
  return block === undefined ? '' : `; the one that was exported is ${describeDevice(snapshot, block)} now`;
}

/**
 * What entries are to be served from now: their names are asked anew. The caller writes them.
 * @returns the entries as they are now, or why one can't be served, in their order
 */
export async function refreshed(
  store: EntryStore,
  entries: readonly ExportEntry[],
): Promise<(ExportEntry | LabError)[]> {
  const snapshot = await surveyStorage(store.host, entries.flatMap(namesOf), 'names');
  return entries.map((entry) => refresh(snapshot, entry));
}

function refresh(snapshot: StorageSnapshot, entry: ExportEntry): ExportEntry | LabError {
  const { backing } = entry;
  const { name } = backing;
  const tried = `looking for what ${exportId(entry)} serves`;
  const now = meaningOf(snapshot, entry);
  const where = whereabouts(snapshot, entry);
  const stray = strayLink(snapshot, entry);
  if (stray !== undefined) {
    const next = `put the file back; or aoe-lab unexport ${exportId(entry)}, then export what is meant`;
    return new LabError({ tried, happened: stray, next });
  }
  if (now === undefined) {
    const { node, trouble } = snapshot.names.get(name) ?? {};
    const happened =
      trouble ?? (node === undefined ? `${name} is not there${where}` : `${name} is a ${node.kind} now`);
    return new LabError({ tried, happened, next: 'bring it back, then run the command again' });
  }
  const nothing = nothingToServe(now, entry);
  if (nothing !== undefined) {
    const next =
      now.kind === 'device'
        ? 'put it in, then run the command again'
        : 'give it its size, then run the command again';
    return new LabError({ tried, happened: nothing, next });
  }
  if (backing.pinned && !now.isSame) {
    return new LabError({
      tried,
      happened: `${name} is another disk than the one that was exported${where}`,
      next: `aoe-lab unexport ${exportId(entry)}, then export the disk by a name that stays with it (ls -l /dev/disk/by-id)`,
    });
  }
  const { path, kind, size, identity } = now;
  return { ...entry, backing: { ...backing, path, kind, size, identity } };
}

/**
 * One entry as it is to be served now, written; the link to its disk is set where it has one.
 * @throws LabError if its name means nothing, or another disk
 */
export async function refreshOne(store: EntryStore, entry: ExportEntry): Promise<ExportEntry> {
  const [now] = await refreshed(store, [entry]);
  if (now === undefined || now instanceof Error) throw now;
  await store.write(now);
  await linkDisk(store, now);
  return now;
}

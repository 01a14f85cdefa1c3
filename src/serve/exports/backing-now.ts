/** What the name of an export means now, beside what it meant when it was exported. */

import { type ErrorFacts, LabError, linesOf } from '../../base/errors.js';
import { isLink, isOpenToRoot, weaknesses } from '../../base/files/trust.js';
import { SECTOR } from '../../wire/aoe/index.js';
import { linkText } from '../storage/backing.js';
import {
  describeDevice,
  describeIdentity,
  type Identity,
  identityOf,
  isKnownOther,
  isSame,
  whereIs,
} from '../storage/identity.js';
import { blockOf, type StorageSnapshot } from '../storage/snapshot.js';
import { surveyStorage } from '../storage/survey.js';
import { type EntryStore, type ExportEntry, exportId } from './entry.js';
import { runsOwnCode } from './own-code.js';
import { serialOf } from './serial.js';

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
 * What it was and is, where the name of an entry is of a disk and means another one now: that is served to nobody who did not
 * ask for it. Names that stay with a disk may do so as well: a volume that was made anew, a link that somebody set. Of a file
 * the name is what counts.
 */
export function otherDisk(snapshot: StorageSnapshot, entry: ExportEntry, now: Meaning): string | undefined {
  const { identity, kind, name, pinned } = entry.backing;
  if (identity === null || (kind === 'file' && now.kind === 'file')) return undefined;
  if (pinned ? now.isSame : !isKnownOther(identity, now.identity)) return undefined;
  const [was, is] = [identity, now.identity].map(describeIdentity);
  const where = whereabouts(snapshot, entry);
  const text = `${name} is another disk than the one that was exported${where}`;
  return was === is ? text : `${text}; it was ${was}, and is ${is}`;
}

/** What the name of an entry meant, and means now, where that is not the same; undefined where it is. */
export function changeOf({ backing }: ExportEntry, now: Meaning): string | undefined {
  const { name, path, kind, identity } = backing;
  const isOther = identity === null ? path !== now.path : isKnownOther(identity, now.identity);
  if (!isOther) return undefined;
  if (kind === 'file' && now.kind === 'file') {
    return path === now.path
      ? `${name} is another file than the one that was served before: it was replaced`
      : `${name} meant ${path}, and means ${now.path} now`;
  }
  const was = identity === null ? path : describeIdentity(identity);
  return `${name} was ${was}, and is ${describeIdentity(now.identity)} now`;
}

/** What the name of an export means now is not to be served, and its target would serve it if it were started. */
export class UnwantedError extends LabError {
  /** What speaks against it, whatever was to be done: lines. */
  readonly why: readonly string[];

  constructor(facts: ErrorFacts, why = factLines(facts.happened)) {
    super(facts);
    this.why = why;
  }
}

export function factLines(words: string | readonly string[]): readonly string[] {
  return typeof words === 'string' ? linesOf(words) : words;
}

/** An entry as it is to be served now. */
export interface Refreshed {
  entry: ExportEntry;
  /** What it meant, and means now, where that is not the same. */
  change: string | undefined;
}

/** What the names of entries mean now, and other names. */
export function surveyNames(
  { host }: EntryStore,
  entries: readonly ExportEntry[],
  others: readonly string[] = [],
): Promise<StorageSnapshot> {
  return surveyStorage(host, [...entries.flatMap(namesOf), ...others], 'names');
}

/**
 * What an entry is to be served from now, by what its name means. The caller writes it.
 * @param evenOther another disk that has the name, too, unless that is a number that moves
 * @returns the entry as it is now, or why it can't be served
 */
export function refreshed(
  snapshot: StorageSnapshot,
  entry: ExportEntry,
  evenOther = false,
): Refreshed | LabError {
  const { backing } = entry;
  const { name } = backing;
  const tried = `looking for what ${exportId(entry)} serves`;
  const now = meaningOf(snapshot, entry);
  const where = whereabouts(snapshot, entry);
  const stray = strayLink(snapshot, entry);
  if (stray !== undefined) {
    const next = `put the file back; or aoe-lab unexport ${exportId(entry)}, then export what is meant`;
    // Programs of others open whatever a name leads to.
    const facts = { tried, happened: stray, next };
    return runsOwnCode(entry.control) ? new LabError(facts) : new UnwantedError(facts);
  }
  if (now === undefined) {
    const { node, trouble } = snapshot.names.get(name) ?? {};
    const happened =
      trouble ?? (node === undefined ? `${name} is not there${where}` : `${name} is a ${node.kind} now`);
    return new LabError({
      tried,
      happened,
      next: [
        'bring it back, then run the command again',
        ...(entry.backing.kind === 'file'
          ? [`see whether its target still has it, before that ends: aoe-lab status ${exportId(entry)}`]
          : []),
      ],
    });
  }
  const nothing = nothingToServe(now, entry);
  if (nothing !== undefined) {
    const next =
      now.kind === 'device'
        ? 'put it in, then run the command again'
        : 'give it its size, then run the command again';
    return new LabError({ tried, happened: nothing, next });
  }
  const other = otherDisk(snapshot, entry, now);
  if (other !== undefined && (backing.pinned || !evenOther)) {
    const facts = { tried, happened: other, next: otherDiskSteps(entry) };
    // Where a number moves, whatever starts the target looks itself (see disk-link.ts).
    return backing.pinned ? new LabError(facts) : new UnwantedError(facts);
  }
  const { path, kind, size, identity } = now;
  const closed = !isOpenToRoot(snapshot.names.get(name)?.way ?? []);
  const current = { ...entry, backing: { ...backing, path, kind, size, identity, closed } };
  const change = changeOf(entry, now);
  if (change === undefined || entry.serial === undefined) return { entry: current, change };
  // Initiators know a disk by its serial number: none that was copying the old one may go on with this one.
  current.serial = serialOf(snapshot.machineId, current);
  return { entry: current, change };
}

/** What to do where another disk has the name of an export. */
export function otherDiskSteps(entry: ExportEntry): string[] {
  const id = exportId(entry);
  const anew = `aoe-lab unexport ${id}, then export the disk by a name that stays with it (ls -l /dev/disk/by-id)`;
  return entry.backing.pinned
    ? [anew]
    : [`if that is the disk to be served: aoe-lab restart ${id} --allow other-disk`, anew];
}

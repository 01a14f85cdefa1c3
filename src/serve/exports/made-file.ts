/** The file that an export made, and who else needs it when that export ends. */
import { isSame } from '../storage/identity.js';
import { usersOf } from '../storage/in-use.js';
import { fileExtent } from '../storage/regions.js';
import { sameFile } from '../storage/snapshot.js';
import { type EntryStore, type ExportEntry, without } from './entry.js';
import type { StorageSurvey } from './suitability.js';

/** Whether an export serves the file that another, or itself, made. */
export function servesMade(entry: ExportEntry, other: ExportEntry): boolean {
  const { made, madeAs, path, name } = entry.backing;
  const { identity, ...theirs } = other.backing;
  if (!made) return false;
  if (identity !== null && madeAs !== undefined) return isSame(identity, { kind: 'file', ...madeAs });
  // What an earlier version exported is known by its name alone.
  return [theirs.path, theirs.name].some((one) => one === path || one === name);
}

/** The export among others that serves the file which one made: with that it stays, and with that it goes. */
export function heirOf(entry: ExportEntry, others: readonly ExportEntry[]): ExportEntry | undefined {
  const heirs = without(others, entry).filter((other) => servesMade(entry, other));
  return heirs.find((heir) => inherits(entry, heir)) ?? heirs[0];
}

/** Whether the heir removes the file when it ends: not by a further name of it, which somebody else gave it. */
export function inherits({ backing }: ExportEntry, heir: ExportEntry): boolean {
  return (
    backing.madeAs !== undefined && heir.backing.madeAs === undefined && heir.backing.path === backing.path
  );
}

/** Has the heir remove the file when it ends, where that is its to do. */
export async function bequeath(store: EntryStore, entry: ExportEntry, heir: ExportEntry): Promise<void> {
  const { madeAs } = entry.backing;
  if (madeAs === undefined || !inherits(entry, heir)) return;
  await store.write({ ...heir, backing: { ...heir.backing, made: true, madeAs } });
}

/**
 * Who else has the file that an export made: a loop device, a lock, a program that may write to it. Each without its subject.
 * @param survey of a host, with the file's name
 */
export function usersOfMade(
  { snapshot, ours, ourLoops }: StorageSurvey,
  { backing: { path, madeAs } }: ExportEntry,
): string[] {
  const facts = snapshot.names.get(path);
  if (facts?.node?.kind !== 'file' || !sameFile(facts.node.id, madeAs)) return [];
  const all = fileExtent(facts.node.id, 0, Number.MAX_SAFE_INTEGER);
  return usersOf(snapshot, facts, all, ours, ourLoops).map(({ text }) => text);
}

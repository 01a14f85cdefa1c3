/** Sources that the store has already; no location is asked. */
import type { SelectedRelease } from '../recipe/load.js';
import type { Release, Source } from '../recipe/schema.js';
import { getArchive } from '../store/archives.js';
import { readHint } from '../store/hints.js';
import {
  type ArchiveFacts,
  type ArchivePins,
  archiveFacts,
  brokenPin,
  mayDiffer,
  pinnedTrees,
} from '../store/pins.js';
import { getTree, treePath } from '../store/trees.js';
import { describeSource, sourceKey } from './location.js';
import { asSourceTree, comparePins, type Found, type SourceTree, type StepOptions } from './source-tree.js';
import { isPlainSource } from './unproven.js';

/** What one of the recipe's locations gave earlier, if it is intact and what the recipe pins now. */
export async function lookUp(
  selected: SelectedRelease,
  source: Source,
  options: StepOptions,
): Promise<SourceTree | undefined> {
  const { release } = selected;
  const pins: ArchivePins = source.type === 'archive' ? source : {};
  const key = sourceKey(source);
  const found = await lookUpKey(
    key,
    source.subdir === undefined ? [] : [source.subdir],
    release,
    pins,
    options,
    describeSource(source),
  );
  if (found === undefined) return undefined;
  const pinned = comparePins(release, found.digest, found.archive);
  return pinned === 'differs' && !mayDiffer(source)
    ? undefined
    : asSourceTree(selected, { ...found, isPlain: isPlainSource(source) }, pinned);
}

/** A pinned tree of the release that came into the store in any way, such as by `--source`. */
export async function lookUpTree(
  selected: SelectedRelease,
  { onEvent }: StepOptions,
): Promise<SourceTree | undefined> {
  const { release } = selected;
  for (const digest of pinnedTrees(release)) {
    const record = await getTree(digest, onEvent);
    if (record === undefined) continue;
    const { location, archive } = record;
    onEvent({ kind: 'cached', location, digest });
    return asSourceTree(
      selected,
      { folder: treePath(digest), digest, location, archive, cached: true },
      'tree',
    );
  }
  return undefined;
}

/** @param fallback how people are told of the location where no hint says */
export async function lookUpKey(
  key: string,
  subdirs: readonly string[],
  release: Release,
  pins: ArchivePins,
  options: StepOptions,
  fallback: string,
): Promise<(Found & { archive?: ArchiveFacts | undefined }) | undefined> {
  const { onEvent } = options;
  const hint = await readHint(key);
  const known = hint?.archive;
  const fits = hint !== undefined && (known === undefined || brokenPin(known, pins) === undefined);
  if (hint !== undefined && fits && (await getTree(hint.tree, onEvent)) !== undefined) {
    const { tree: digest, location } = hint;
    onEvent({ kind: 'cached', location, digest });
    return { folder: treePath(digest), digest, location, archive: known, cached: true };
  }
  const sha256 = pins.sha256 ?? (fits ? known?.sha256 : undefined);
  const path = sha256 === undefined ? undefined : await getArchive(sha256, onEvent);
  if (path === undefined) return undefined;
  const facts = await archiveFacts(path, known?.name ?? nameIn(fallback));
  if (brokenPin(facts, pins) !== undefined) return undefined;
  const { restore } = await import('./restore.js');
  return restore(path, facts, hint?.location ?? fallback, subdirs, release, options);
}

function nameIn(location: string): string {
  return location.slice(location.lastIndexOf('/') + 1) || 'archive';
}

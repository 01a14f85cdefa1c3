import type { SelectedRelease } from '../recipe/load.js';
import type { Release } from '../recipe/schema.js';
import type { OnSourceEvent } from '../store/events.js';
import type { Limits } from '../store/limits.js';
import { type ArchiveFacts, isPinnedArchive, pinnedTrees } from '../store/pins.js';

/** Which pinned digest the source has; `differs`: not the pinned tree (the user's copy, or a location marked `unpinned`). */
export type Pinned = 'archive' | 'tree' | 'none' | 'differs';

/** A source tree in the store. */
export interface SourceTree {
  implementation: string;
  release: string;
  /** Absolute. Not to be written to: stages that change it copy it. */
  folder: string;
  /** Of the tree, see tree-digest.ts. */
  digest: string;
  /** What it was unpacked from, if it was an archive. */
  archive?: { sha256: string; size: number; name: string };
  /** Where it came from, as people are told. */
  location: string;
  pinned: Pinned;
  /** Digests of the pinned trees, where it differs. */
  expected?: string[];
  /** Neither a pinned digest nor the channel it came by vouches for it. */
  unproven: boolean;
  /** Whether it was in the store. */
  cached: boolean;
}

export interface FetchOptions {
  /** The user's copy: a folder, an archive, or an URL (http, https, git+…, svn+…). */
  source?: string | undefined;
  /** Use only what the store has. */
  offline?: boolean | undefined;
  onEvent?: OnSourceEvent | undefined;
  signal?: AbortSignal | undefined;
  limits?: Partial<Limits> | undefined;
}

/** What every step of fetching gets. */
export interface StepOptions {
  limits: Limits;
  signal: AbortSignal;
  onEvent: OnSourceEvent;
}

/** What is known of a tree before it is told whose it is. */
export interface Found {
  folder: string;
  digest: string;
  location: string;
  archive?: Pick<ArchiveFacts, 'sha256' | 'size' | 'name'> | undefined;
  /** Anybody on the way may have changed it, see unproven.ts. */
  isPlain?: boolean | undefined;
  cached: boolean;
}

export function asSourceTree(selected: SelectedRelease, found: Found, pinned: Pinned): SourceTree {
  const { recipe, release } = selected;
  const { folder, digest, location, archive, cached } = found;
  return {
    implementation: recipe.name,
    release: release.version,
    folder,
    digest,
    ...(archive === undefined
      ? {}
      : { archive: { sha256: archive.sha256, size: archive.size, name: archive.name } }),
    location,
    pinned,
    ...(pinned === 'differs' ? { expected: pinnedTrees(release) } : {}),
    unproven: found.isPlain === true && (pinned === 'none' || pinned === 'differs'),
    cached,
  };
}

/**
 * How a tree and the archive it came from compare with all that the release pins. Whoever can make an archive of the same MD5
 * has no say over the tree.
 */
export function comparePins(release: Release, digest: string, archive: ArchiveFacts | undefined): Pinned {
  const trees = pinnedTrees(release);
  if (archive !== undefined && isPinnedArchive(archive, release, trees.length > 0)) return 'archive';
  if (trees.includes(digest)) return 'tree';
  return trees.length > 0 ? 'differs' : 'none';
}

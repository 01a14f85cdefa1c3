/** Pinned digests: what a recipe says an archive or a tree must be. */
import { stat } from 'node:fs/promises';
import { type DigestAlgorithm, digestOfFile } from '../../base/digest.js';
import { LabError } from '../../base/errors.js';
import type { Release, Source } from '../recipe/schema.js';

export interface ArchivePins {
  /** Bytes. */
  size?: number | undefined;
  sha256?: string | undefined;
  sha512?: string | undefined;
  md5?: string | undefined;
}

/** All that is known of an archive that is here. */
export interface ArchiveFacts {
  name: string;
  /** Bytes. */
  size: number;
  sha256: string;
  sha512: string;
  md5: string;
}

export const ALGORITHMS: readonly DigestAlgorithm[] = ['sha256', 'sha512', 'md5'];

/** What was fetched is not what is pinned. */
export class DigestError extends LabError {}

export async function archiveFacts(file: string, name: string): Promise<ArchiveFacts> {
  const [sha256, sha512, md5] = await Promise.all(
    ALGORITHMS.map((algorithm) => digestOfFile(file, algorithm)),
  );
  return { name, size: (await stat(file)).size, sha256, sha512, md5 } as ArchiveFacts;
}

export function hasDigest(pins: ArchivePins): boolean {
  return ALGORITHMS.some((algorithm) => pins[algorithm] !== undefined);
}

/** Which pin an archive breaks, with both values; undefined if it keeps them all. */
export function brokenPin(facts: ArchiveFacts, pins: ArchivePins): string | undefined {
  for (const name of [...ALGORITHMS, 'size'] as const) {
    const expected = pins[name];
    if (expected !== undefined && facts[name] !== expected) {
      return `the archive that came has ${name} ${facts[name]}, pinned is ${expected}`;
    }
  }
  return undefined;
}

/**
 * Whether any source of the release pins exactly this archive by a digest.
 * @param bySha whether that has to be a SHA: an MD5 can be forged
 */
export function isPinnedArchive(facts: ArchiveFacts, release: Release, bySha: boolean): boolean {
  return release.sources.some(
    (source) =>
      source.type === 'archive' &&
      (bySha ? (source.sha256 ?? source.sha512) !== undefined : hasDigest(source)) &&
      brokenPin(facts, source) === undefined,
  );
}

/** Whether a tree from this location may be another than the pinned one. */
export function mayDiffer(source: Source): boolean {
  return source.type === 'archive' && source.unpinned === true;
}

/** Digests of the release's pinned trees; empty if none is. */
export function pinnedTrees(release: Release): string[] {
  return (release.trees ?? []).map((tree) => tree.sha256);
}

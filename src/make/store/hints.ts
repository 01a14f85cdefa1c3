/**
 * What a location gave the last time, `hints/<digest of its key>.json`. Only a hint: it tells which digest to look
 * for, and what it names is checked as anything else in the store.
 */
import { join } from 'node:path';
import { digestOf } from '../../base/digest.js';
import { cacheFolder } from '../../base/files/paths.js';
import { readJson, writeJson } from './json.js';
import type { ArchiveFacts } from './pins.js';

export interface Hint {
  /** Digest of what the location was: that may hold a password. */
  key: string;
  /** Digest of the tree. */
  tree: string;
  /** As it is told to people: may name a revision. */
  location: string;
  archive?: ArchiveFacts;
}

function hintPath(key: string): string {
  return join(cacheFolder(), 'hints', `${digestOf(key)}.json`);
}

export async function readHint(key: string): Promise<Hint | undefined> {
  const hint = await readJson<Hint>(hintPath(key));
  // Earlier versions kept the location itself.
  return hint?.key === digestOf(key) || hint?.key === key ? hint : undefined;
}

export async function writeHint(hint: Hint): Promise<void> {
  await writeJson(hintPath(hint.key), { ...hint, key: digestOf(hint.key) });
}

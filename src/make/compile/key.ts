/** The name of a build: a digest over all that could change what comes out of it. */

import { statSync } from 'node:fs';
import { digestOf } from '../../base/digest.js';
import type { Facts } from '../patch/condition.js';
import { judgePatches, patchDigest } from '../patch/files.js';
import type { SelectedRelease } from '../recipe/load.js';
import type { KernelTree } from './kernel.js';
import { findRequirement } from './requirements.js';
import type { Toolchain } from './toolchain.js';

/** To be raised when the same key would stand for something else. */
const FORMAT = 1;

/** Variables that compilers and makefiles take from the environment. */
const ENVIRONMENT = [
  ...['AR', 'CC', 'CPP', 'LD', 'CFLAGS', 'CPPFLAGS', 'LDFLAGS', 'LDLIBS', 'LIBS'],
  ...['CPATH', 'C_INCLUDE_PATH', 'LIBRARY_PATH', 'PKG_CONFIG_PATH'],
];

/** A source tree as the build needs it; `SourceTree` of the source stage is one. */
export interface BuildTree {
  /** Absolute path; it is read only. */
  folder: string;
  /** sha256 of the tree. */
  digest: string;
}

export interface BuildKey {
  /** 64 hex digits. */
  key: string;
  /** Ids of the patches that apply. */
  patches: string[];
}

/**
 * Steps count as the recipe writes them, before templates are filled in: paths and the number of jobs do not count.
 * @param isElsewhere it is made on another host: what this machine has does not count
 * @throws UsageError if the recipe names a patch file that is not there
 */
export function buildKey(
  tree: BuildTree,
  selected: SelectedRelease,
  toolchain: Toolchain | undefined,
  facts: Omit<Facts, 'release'>,
  kernel?: KernelTree,
  isElsewhere = false,
): BuildKey {
  const { recipe, release, build } = selected;
  const applied = judgePatches(recipe, { ...facts, release: release.version }).filter(
    ({ verdict }) => verdict.applies,
  );
  const parts = [
    FORMAT,
    [recipe.name, release.version, tree.digest],
    applied.map(({ patch, id }) => [id, patchDigest(patch)]),
    toolchain ?? null,
    // A library's or tool's package that was upgraded shows here.
    kernel?.root === undefined && !isElsewhere
      ? build.requires.map((requirement) => fileIdentity(findRequirement(requirement)))
      : null,
    [build.system, build.env ?? {}, build.steps.map(({ why: _, ...step }) => step), build.artifacts],
    isElsewhere ? 'elsewhere' : ENVIRONMENT.map((name) => process.env[name] ?? null),
    kernel === undefined ? null : [kernel.release, kernel.digest, kernel.compiler ?? null],
  ];
  return { key: digestOf(JSON.stringify(parts)), patches: applied.map(({ id }) => id) };
}

function fileIdentity(path: string | undefined): unknown {
  if (path === undefined) return null;
  const facts = statSync(path, { throwIfNoEntry: false });
  return facts === undefined ? null : [path, facts.size, facts.mtimeMs];
}

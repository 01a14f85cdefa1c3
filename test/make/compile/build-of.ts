import { type BuildResult, buildArtifacts } from '../../../src/make/compile/build.js';
import { Buildable, type BuildPlace } from '../../../src/make/compile/buildable.js';
import type { BuildTree } from '../../../src/make/compile/key.js';
import type { BuildOptions } from '../../../src/make/compile/options.js';
import type { SelectedRelease } from '../../../src/make/recipe/load.js';

/** Checks whether a release can be built, and builds it from a tree. */
export async function buildOf(
  tree: BuildTree,
  selected: SelectedRelease,
  { kernel, on, ...options }: BuildOptions & BuildPlace = {},
): Promise<BuildResult> {
  return buildArtifacts(tree, await Buildable.check(selected, { kernel, on }), options);
}

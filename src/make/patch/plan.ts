import { LabError } from '../../base/errors.js';
import type { SelectedRelease } from '../recipe/load.js';
import type { Patch } from '../recipe/schema.js';
import type { Facts } from './condition.js';
import { applyDiff } from './diffs.js';
import { applyEdit } from './edits.js';
import { judgePatches, patchWhy, readPatchFile } from './files.js';
import { type FileChange, type NewContent, TreeView } from './tree-view.js';

export interface PlannedPatch {
  id: string;
  form: Patch['form'];
  why: string;
  applies: boolean;
  /** Why it applies or does not. */
  reason: string;
  /** Empty if it does not apply. */
  files: FileChange[];
}

/** All that patching would do; nothing is written yet. */
export interface PatchPlan {
  implementation: string;
  release: string;
  /** The tree that it starts from. */
  folder: string;
  patches: PlannedPatch[];
  /** By path in the tree, what it holds in the end; `undefined` for a deleted file. */
  contents: ReadonlyMap<string, NewContent | undefined>;
}

/**
 * Plans a recipe's patches, in order, each on what those before it left.
 * @param folder the source tree; it is read only
 * @throws LabError if a patch that applies by its condition does not fit the tree
 */
export async function planPatches(
  selected: SelectedRelease,
  folder: string,
  facts: Omit<Facts, 'release'>,
): Promise<PatchPlan> {
  const { recipe, release } = selected;
  const tree = new TreeView(folder);
  const patches: PlannedPatch[] = [];
  for (const { patch, id, verdict } of judgePatches(recipe, { ...facts, release: release.version })) {
    const tried = `applying the patch ${id} to ${recipe.name} ${release.version}`;
    const files = verdict.applies ? await applyOne(patch, tree, tried) : [];
    patches.push({ id, form: patch.form, why: patchWhy(patch), ...verdict, files });
  }
  return {
    implementation: recipe.name,
    release: release.version,
    folder,
    patches,
    contents: tree.changes,
  };
}

async function applyOne(patch: Patch, tree: TreeView, tried: string): Promise<FileChange[]> {
  switch (patch.form) {
    case 'diff':
      return applyDiff(readPatchFile(patch.file), tree, tried);
    case 'edit':
      return applyEdit(patch, tree, tried);
    case 'file': {
      if ((await tree.read(patch.to)) !== undefined) {
        throw new LabError({
          tried,
          happened: `${patch.to} is in the tree already, and the patch would add it`,
        });
      }
      const after = readPatchFile(patch.file);
      tree.write(patch.to, after);
      return [{ path: patch.to, change: 'created', lines: [1], offsets: [], before: '', after }];
    }
  }
}

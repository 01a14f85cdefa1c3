/** A source tree that DKMS builds a module from, whenever its host gets another kernel. */

import { readFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { LabError, UsageError } from '../../base/errors.js';
import { packageRoot } from '../../base/files/paths.js';
import { render } from '../../base/templating.js';
import { quoteArgv } from '../../hosts/host/quote.js';
import { applyPatches } from '../patch/apply.js';
import { type PatchPlan, planPatches } from '../patch/plan.js';
import type { SelectedRelease } from '../recipe/load.js';
import type { BuildTree } from './key.js';

export interface DkmsTree {
  /** As DKMS calls it. */
  name: string;
  version: string;
  folder: string;
  /** Ids of the patches applied, in order. */
  patches: string[];
}

/** Later than any kernel that a condition names. */
const LATER = '9999.0';
/** In dkms.conf, the folder of the headers of the kernel that is built for (dkms(8)). */
const HEADERS = '$kernel_source_dir';

/**
 * Writes the patched tree of a module and its dkms.conf.
 * @param folder does not exist or is empty
 * @throws UsageError if it is no module, has no port to today's kernels, or the folder is not empty · LabError if its
 *   patches are not the same for all the kernels of its port
 */
export async function writeDkmsTree(
  tree: BuildTree,
  selected: SelectedRelease,
  folder: string,
): Promise<DkmsTree> {
  const { recipe, release } = selected;
  const tried = `writing ${recipe.name} ${release.version} for DKMS`;
  const { kernelsFrom } = release;
  if (kernelsFrom === undefined) {
    throw new UsageError({
      tried,
      happened:
        recipe.kind === 'kernel module'
          ? 'this release is not ported to the kernels that DKMS builds for'
          : 'it is no kernel module',
      next: 'take kvblade, aoeserver or vblade-kernel without --release',
    });
  }
  const plan = await planForAll(tree, selected, kernelsFrom, tried);
  const { build } = selected;
  const text = render(await readFile(join(packageRoot, 'templates', 'dkms.conf.hbs'), 'utf8'), {
    implementation: recipe.name,
    release: release.version,
    name: recipe.name,
    version: release.version,
    kernelsFrom,
    kernelPattern: versionsFrom(kernelsFrom),
    // What quotes a word would keep the variable from being replaced.
    make: build.steps
      .map(({ run }) => quoteArgv(run.map((word) => render(word, { headers: '@HEADERS@' }))))
      .join(' && ')
      .replaceAll('@HEADERS@', HEADERS),
    modules: build.artifacts.map(({ path }) => ({
      name: posix.basename(path, '.ko'),
      location: posix.dirname(path),
    })),
  });
  const contents = new Map([...plan.contents, ['dkms.conf', { text, executable: false }]]);
  await applyPatches({ ...plan, contents } as PatchPlan, folder);
  const patches = plan.patches.filter(({ applies }) => applies).map(({ id }) => id);
  return { name: recipe.name, version: release.version, folder, patches };
}

/** DKMS has one tree for all kernels: conditions on kernels must not tell them apart, headers may. */
async function planForAll(
  tree: BuildTree,
  selected: SelectedRelease,
  from: string,
  tried: string,
): Promise<PatchPlan> {
  const { recipe } = selected;
  const named = recipe.patches.flatMap(({ when }) => when?.kernel?.match(/\d+(?:\.\d+)*/g) ?? []);
  const later = named.filter((version) => new RegExp(versionsFrom(from)).test(`${version}.0`));
  const plan = await planPatches(selected, tree.folder, { kernel: from });
  const applying = ({ patches }: PatchPlan): string =>
    patches
      .filter(({ applies }) => applies)
      .map(({ id }) => id)
      .join(', ');
  for (const kernel of new Set([...later, LATER])) {
    const other = await planPatches(selected, tree.folder, { kernel });
    if (applying(other) === applying(plan)) continue;
    throw new LabError({
      tried,
      happened: `Linux ${from} needs the patches ${applying(plan)}; Linux ${kernel} needs ${applying(other)}`,
      next: 'have one patch for all of them that asks LINUX_VERSION_CODE, as compat.h does',
    });
  }
  return plan;
}

/** A regular expression of the kernel releases from MAJOR.MINOR on, as `uname -r` prints them. */
export function versionsFrom(version: string): string {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return `^(${major}[.]${numbersFrom(minor)}|${numbersFrom(major + 1)}[.][0-9]+)([^0-9]|$)`;
}

/** A regular expression of the decimal numbers that are not less. */
function numbersFrom(least: number): string {
  const digits = String(least);
  const greater = [...digits].flatMap((digit, at) =>
    digit === '9'
      ? []
      : [`${digits.slice(0, at)}[${Number(digit) + 1}-9]${'[0-9]'.repeat(digits.length - at - 1)}`],
  );
  return `(${[digits, ...greater, `[1-9][0-9]{${digits.length},}`].join('|')})`;
}

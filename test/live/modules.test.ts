/** Modules built for kernels of Debian's, with the compiler of each kernel's suite. */
import { readFile } from 'node:fs/promises';
import { MissingError, UnreachableError } from '../../src/base/errors.js';
import { findKernelTree } from '../../src/make/compile/kernel.js';
import { findCommand } from '../../src/make/compile/requirements.js';
import { loadRecipe, select } from '../../src/make/recipe/load.js';
import { fetchSource } from '../../src/make/source/fetch.js';
import { buildOf } from '../make/compile/build-of.js';
import { sourceTree, testUnless } from './support/machine.js';

/** The oldest kernel with the oldest compiler, and the newest of both: what lies between is less likely to break. */
const KERNELS = ['5.10', 'unstable'];

async function noHeaders(): Promise<string | undefined> {
  if (findCommand('bwrap') === undefined) return 'needs bwrap';
  try {
    for (const kernel of KERNELS) await findKernelTree(kernel);
    return undefined;
  } catch (error) {
    if (error instanceof UnreachableError || error instanceof MissingError) return error.facts.happened;
    throw error;
  }
}

async function build(name: string, kernelName: string, source?: string) {
  const recipe = await loadRecipe(name);
  const selected = select(recipe);
  const kernel = await findKernelTree(kernelName);
  const tree = await fetchSource(selected, source === undefined ? {} : { source });
  return { kernel, built: await buildOf(tree, selected, { kernel }) };
}

const reason = await noHeaders();
const trees = { kvblade: sourceTree('kvblade-alpha-3'), aoeserver: sourceTree('aoeserver-trunk') };

for (const name of ['vblade-kernel', 'kvblade', 'aoeserver'] as const) {
  const tree = name === 'vblade-kernel' ? undefined : trees[name];
  const lacking = tree !== undefined && 'reason' in tree ? tree.reason : reason;
  for (const kernelName of KERNELS) {
    testUnless(lacking, `${name} is built for the kernel ${kernelName} without a warning`, async (t) => {
      const source = tree !== undefined && 'path' in tree ? tree.path : undefined;
      const { kernel, built } = await build(name, kernelName, source);
      t.is(built.kernel, kernel.release);
      t.is(built.warnings, 0);
      const [module] = built.artifacts;
      // modpost writes which kernel it is for into the module's section .modinfo.
      t.true((await readFile(module?.path ?? '')).includes(`vermagic=${kernel.release} `));
      t.true((await build(name, kernelName, source)).built.cached);
    });
  }
}

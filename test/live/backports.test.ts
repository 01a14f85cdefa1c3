/** Modules built with headers whose version does not tell what they offer: vendors take interfaces into older kernels. */

import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MissingError, UnreachableError } from '../../src/base/errors.js';
import { packageRoot } from '../../src/base/files/paths.js';
import { here } from '../../src/hosts/host/local.js';
import { findKernelTree, type KernelTree } from '../../src/make/compile/kernel.js';
import { loadRecipe, select } from '../../src/make/recipe/load.js';
import { temporaryFolder } from '../base/temporary.js';
import { buildOf } from '../make/compile/build-of.js';
import { LONG, ordinary, sourceTree, testUnless } from './support/machine.js';

const VERSION = 'include/generated/uapi/linux/version.h';

/** Headers of Debian's, and the version that they are to tell instead of their own. */
const CASES = [
  { kernel: '6.1', told: [5, 14, 0], release: '5.14.0-427.el9.x86_64' },
  ...(LONG ? [{ kernel: '5.10', told: [6, 1, 0], release: '6.1.0-1-vendor' }] : []),
] as const;

async function treeOf(kernel: string): Promise<{ tree: KernelTree } | { reason: string }> {
  if (!(await readdir('/usr/bin')).includes('bwrap')) return { reason: 'needs bwrap' };
  try {
    return { tree: await findKernelTree(kernel) };
  } catch (error) {
    if (!(error instanceof UnreachableError || error instanceof MissingError)) throw error;
    return { reason: `the headers of ${kernel} can not be had` };
  }
}

const kvblade = sourceTree('kvblade-alpha-3');
const MODULES = [
  { name: 'vblade-kernel', source: { path: join(packageRoot, 'modules', 'vblade-kernel') } },
  { name: 'kvblade', source: kvblade },
];

for (const { kernel, told, release } of CASES) {
  const headers = ordinary === undefined || kernel === '6.1' ? await treeOf(kernel) : { reason: ordinary };
  for (const { name, source } of MODULES) {
    const reason =
      'reason' in headers ? headers.reason : 'reason' in source ? (source.reason as string) : undefined;
    const title = `C7: ${name} is built with the interfaces of Linux ${kernel} in headers that say ${told.join('.')}`;
    testUnless(reason, title, async (t) => {
      t.timeout(600_000);
      const { tree } = headers as { tree: KernelTree };
      const root = join(await temporaryFolder(t), 'root');
      await here.run(['cp', '-a', '--reflink=auto', tree.root as string, root], { timeout: 300_000 });
      const file = join(root, tree.headers, VERSION);
      const [major, minor, patch] = told;
      const text = await readFile(file, 'utf8');
      const code = (major << 16) + (minor << 8) + patch;
      const changed = text
        .replace(/(LINUX_VERSION_CODE) \d+/, `$1 ${code}`)
        .replace(/(LINUX_VERSION_MAJOR) \d+/, `$1 ${major}`)
        .replace(/(LINUX_VERSION_PATCHLEVEL) \d+/, `$1 ${minor}`);
      t.not(changed, text);
      await rm(file);
      await writeFile(file, changed);
      const recipe = await loadRecipe(name);
      // The build is a new one each time: nothing says that the headers are the same.
      const folder = join(await temporaryFolder(t), 'tree');
      await cp('path' in source ? source.path : '', folder, { recursive: true });
      const { artifacts, warnings } = await buildOf({ folder, digest: 'f'.repeat(64) }, select(recipe), {
        kernel: { ...tree, root, release, digest: `backport ${told.join('.')}` },
        force: true,
      });
      t.is(artifacts.length, 1);
      t.is(warnings, 0);
    });
  }
}

import test from 'ava';
import { findKernelTree } from '../../src/build/kernel.js';
import { MissingError, UsageError } from '../../src/errors.js';
import { labError, sharedFolder, writeTree } from '../patch/trees.js';
import { temporaryFolder } from '../temporary.js';

process.env.AOE_LAB_CACHE = sharedFolder();
delete process.env.CC;

const headers = (compiler: string) => ({
  'include/config/kernel.release': '6.1.0-50-amd64\n',
  'include/config/auto.conf': `CONFIG_GCC_VERSION=${compiler}\n`,
  'Module.symvers': '0x1\tprintk\tvmlinux\tEXPORT_SYMBOL\n',
});

test('a folder without headers is told so', async (t) => {
  const error = await labError(t, async () => findKernelTree(await temporaryFolder(t)));
  t.true(error instanceof UsageError);
  t.regex(error.facts.happened, /holds no headers that are ready to build modules with$/);
});

test('headers whose compiler is not here name it, and the package that brings it', async (t) => {
  const folder = writeTree(await temporaryFolder(t), headers('990300'));
  const error = await labError(t, () => findKernelTree(folder));
  t.true(error instanceof MissingError);
  t.is(error.facts.happened, 'the kernel was built with gcc 99, and there is no gcc-99 here');
  t.is(error.facts.next?.[0], 'apt-get install gcc-99');
});

test('headers are known by release, configuration and symbols', async (t) => {
  const clang = headers('0');
  const folder = writeTree(await temporaryFolder(t), clang);
  const tree = await findKernelTree(folder);
  t.is(tree.release, '6.1.0-50-amd64');
  t.is(tree.headers, folder);
  t.is(tree.compiler, 'clang');
  t.is(tree.root, undefined);
  const other = writeTree(await temporaryFolder(t), { ...clang, 'Module.symvers': '' });
  t.not((await findKernelTree(other)).digest, tree.digest);
});

test('a name that no kernel has is wrong use', async (t) => {
  const error = await labError(t, () => findKernelTree('7'));
  t.true(error instanceof UsageError);
  t.regex(String(error.facts.next), /5\.10, 6\.1, 6\.12, unstable, or SUITE\/VERSION/);
});

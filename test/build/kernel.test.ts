import { existsSync, readdirSync } from 'node:fs';
import test from 'ava';
import { findKernelTree, kernelFor } from '../../src/build/kernel.js';
import { MissingError, UsageError } from '../../src/errors.js';
import type { Host } from '../../src/host/host.js';
import { suitesOf } from '../../src/source/debian/kernels.js';
import { testUnless } from '../live/machine.js';
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

test('a release is what uname says, where the package calls it otherwise', async (t) => {
  const folder = writeTree(await temporaryFolder(t), {
    ...headers('0'),
    'include/config/kernel.release': '6.1.192\n',
    'include/generated/utsrelease.h': '#define UTS_RELEASE "6.1.0-50-amd64"\n',
  });
  t.is((await findKernelTree(folder)).release, '6.1.0-50-amd64');
});

const MODULES = '/lib/modules';
const installed = (existsSync(MODULES) ? readdirSync(MODULES) : []).find((release) =>
  existsSync(`${MODULES}/${release}/build/include/generated/utsrelease.h`),
);

testUnless(
  installed === undefined ? `needs headers in ${MODULES}` : undefined,
  'an installed kernel is known by its release',
  async (t) => {
    // CC: whether the compiler of the kernel is here as well does not matter to this.
    process.env.CC = 'cc';
    const looking = findKernelTree(installed as string);
    delete process.env.CC;
    t.like(await looking, { release: installed, headers: `${MODULES}/${installed}/build` });
  },
);

test('a name that no kernel has is wrong use', async (t) => {
  const error = await labError(t, () => findKernelTree('7'));
  t.true(error instanceof UsageError);
  t.regex(String(error.facts.next), /5\.10, 6\.1, 6\.12, unstable, or SUITE\/VERSION/);
});

/** A host without headers of its own. */
const running = (kernel: string) =>
  ({
    name: 'root@far',
    isHere: false,
    facts: async () => ({ kernel }),
    read: async () => {
      throw new Error('ENOENT');
    },
  }) as unknown as Host;

test('where the packages of a kernel are looked for is told by its name', (t) => {
  for (const [release, suites] of [
    ['5.10.0-46-amd64', ['bullseye', 'sid']],
    ['6.1.0-56-cloud-amd64', ['bookworm', 'sid']],
    ['6.12.118+deb13-amd64', ['trixie', 'sid', 'trixie-backports', 'bookworm-backports']],
    ['6.12.9+bpo-amd64', ['trixie', 'sid', 'trixie-backports', 'bookworm-backports']],
    ['7.2.13+deb14-amd64', ['sid', 'trixie-backports', 'bookworm-backports']],
    ['6.8.0-40-generic', []],
    ['6.1.0-56-arm64', []],
  ] as const) {
    t.deepEqual(suitesOf(release), [...suites], release);
  }
});

test("a kernel that is none of Debian's is told so, with what else there is", async (t) => {
  const error = await labError(t, () => kernelFor(running('6.8.0-40-generic'), undefined));
  t.true(error instanceof MissingError);
  t.is(error.facts.happened, 'it is no kernel of Debian for x86-64, by its name');
  t.is(error.facts.tried, 'looking for the headers of Linux 6.8.0-40-generic (root@far)');
  t.regex(String(error.facts.next), /^--kernel FOLDER/);
});

test('headers of another kernel than the host runs are refused; those of the same are taken', async (t) => {
  const folder = writeTree(await temporaryFolder(t), headers('0'));
  const error = await labError(t, () => kernelFor(running('6.1.0-49-amd64'), folder));
  t.true(error instanceof UsageError);
  t.regex(error.facts.happened, /^Linux 6\.1\.0-49-amd64 runs there, and .* is 6\.1\.0-50-amd64: /);
  t.is((await kernelFor(running('6.1.0-50-amd64'), folder)).headers, folder);
});

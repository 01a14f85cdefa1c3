import { existsSync, readdirSync } from 'node:fs';
import test from 'ava';
import { MissingError, UsageError } from '../../../src/base/errors.js';
import type { Host } from '../../../src/hosts/host/host.js';
import { findKernelTree, headersPackage, kernelFor, kernelOn } from '../../../src/make/compile/kernel.js';
import { suitesOf } from '../../../src/make/debian/kernels.js';
import { temporaryFolder } from '../../base/temporary.js';
import { testUnless } from '../../live/support/machine.js';
import { labError, sharedFolder, writeTree } from '../patch/trees.js';

process.env.AOE_LAB_CACHE = sharedFolder();
delete process.env.CC;

const headers = (compiler: string) => ({
  'include/config/kernel.release': '6.1.0-50-amd64\n',
  'include/config/auto.conf': `CONFIG_GCC_VERSION=${compiler}\n`,
  'Module.symvers': '0x1\tprintk\tvmlinux\tEXPORT_SYMBOL\n',
});

/** A host without headers of its own. */
const running = (kernel: string) =>
  ({
    name: 'root@far',
    isHere: false,
    facts: async () => ({ kernel }),
    read: async () => {
      throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
    },
  }) as unknown as Host;

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
  const other = writeTree(await temporaryFolder(t), { ...clang, 'Module.symvers': '0x2\tprintk\n' });
  t.not((await findKernelTree(other)).digest, tree.digest);
});

test('C10: headers without the list of symbols are told, with the package that brings them', async (t) => {
  const { 'Module.symvers': _, ...part } = headers('0');
  const folder = writeTree(await temporaryFolder(t), part);
  const error = await labError(t, () => findKernelTree(folder));
  t.true(error instanceof MissingError);
  t.is(error.exitCode, 3);
  t.regex(error.facts.happened, /no Module\.symvers/);
  t.regex(String(error.facts.next), /install linux-headers-6\.1\.0-50-amd64 here/);
});

test('C10: headers that were removed from an installed kernel are missing, not wrong usage', async (t) => {
  const error = await labError(t, () => findKernelTree('/lib/modules/5.14.0-1.el9.x86_64/build'));
  t.true(error instanceof MissingError);
  t.regex(String(error.facts.next), /^install kernel-devel-5\.14\.0-1\.el9\.x86_64/);
});

test('C10: a host whose headers lack the list of symbols is told so', async (t) => {
  const host = {
    ...running('6.1.0-50-amd64'),
    read: async (path: string) => {
      if (path.endsWith('auto.conf')) return Buffer.from('CONFIG_X=y');
      throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
    },
  } as unknown as Host;
  const error = await labError(t, () => kernelOn(host, undefined));
  t.true(error instanceof MissingError);
  t.regex(error.facts.happened, /no Module\.symvers/);
});

test('C10: packages of headers are named as their distributions name them', (t) => {
  for (const [release, name] of [
    ['6.1.0-50-amd64', 'linux-headers-6.1.0-50-amd64'],
    ['6.8.0-40-generic', 'linux-headers-6.8.0-40-generic'],
    ['5.14.0-427.el9.x86_64', 'kernel-devel-5.14.0-427.el9.x86_64'],
    ['6.9.7-200.fc40.x86_64', 'kernel-devel-6.9.7-200.fc40.x86_64'],
    ['6.4.0-150600.21-default', 'kernel-default-devel'],
    ['6.9.7-arch1-1', 'linux-headers'],
    ['6.6.37-1-lts', 'linux-lts-headers'],
    ['6.6.41-0-lts', 'linux-lts-dev'],
    ['6.6.41-0-virt', 'linux-virt-dev'],
  ] as const) {
    t.is(headersPackage(release), name, release);
  }
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

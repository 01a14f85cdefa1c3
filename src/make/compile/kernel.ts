/**
 * The kernel that a module is built for: headers, the compiler that belongs to them, and where both are. Kernels of
 * Debian's come with the tools of their suite, so that the same build works on any machine; those of this machine are
 * built for with its own compiler, if it is the right one.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { digestOf } from '../../base/digest.js';
import { linesOf, MissingError, UnreachableError, UsageError } from '../../base/errors.js';
import type { Host } from '../../hosts/host/host.js';
import { readIfThere } from '../../hosts/host/if-there.js';
import { findKernel, KERNELS, suitesOf } from '../debian/kernels.js';
import { type FetchPackagesOptions, fetchDebianPackages } from '../debian/packages.js';
import { compilerWords, findCommand } from './requirements.js';

export interface KernelTree {
  /** As it was asked for: `6.1`, `unstable`, `host`, a path. */
  name: string;
  /** As `uname -r` prints it, `6.1.0-50-amd64`. */
  release: string;
  /** Folder that make is started in, as the build sees it. */
  headers: string;
  /** The same for the same headers and tools. */
  digest: string;
  /** Root file system with headers and tools; undefined: this machine's own. */
  root?: string;
  /** `CC` for make; undefined: as the headers say. */
  compiler?: string;
  /** The host that has these headers, and builds. */
  on?: Host;
}

/** What brings a shell, make and what the kernel's scripts call. The compiler comes with the headers. */
const TOOLS = ['bash', 'coreutils', 'dash', 'findutils', 'grep', 'make', 'mawk', 'perl-base', 'sed'];

/**
 * @param name `host`, a folder with headers, the release of a kernel that is installed here, a name of KERNELS, or
 *   SUITE/VERSION
 * @throws UsageError if it can't be meant · MissingError if headers or their compiler are not here · UnreachableError
 *   if packages can't be had
 */
export async function findKernelTree(name: string, options: FetchPackagesOptions = {}): Promise<KernelTree> {
  const tried = `looking for the headers of the kernel ${name}`;
  if (name === 'host') {
    const release = readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim();
    return installedTree(name, release, tried);
  }
  const [, named] = /^\/lib\/modules\/([^/]+)\/build\/?$/.exec(name) ?? [];
  if (named !== undefined) return installedTree(name, named, tried);
  if (/^[./]/.test(name)) return ownTree(name, resolve(name), tried);
  // Of a kernel that is installed here the headers may be gone: the link to them dangles then, or is not there.
  if (/^\d[^/]*$/.test(name) && existsSync(`/lib/modules/${name}`)) return installedTree(name, name, tried);
  const { suite, release } = await findKernel(name, options);
  return debianTree(name, suite, release, options);
}

/**
 * What a module for a host is built with: for the kernel that runs there. Headers are this machine's own, if it is the
 * host and has them; else those of Debian's package of that very release; else those that the host itself has, and then
 * it builds there.
 * @param spec as findKernelTree takes it; undefined or `host`: look for the one that runs
 * @throws UsageError if the spec is another kernel than the host's: it would not load the module
 * @throws MissingError if no package has the headers · otherwise as findKernelTree
 */
export async function kernelFor(
  host: Host,
  spec: string | undefined,
  options: FetchPackagesOptions = {},
): Promise<KernelTree> {
  const { kernel: running } = await host.facts();
  if (spec === undefined || spec === 'host') {
    const isReady = host.isHere && existsSync(`/lib/modules/${running}/build`);
    if (isReady) return findKernelTree('host', options);
    try {
      return await treeOf(host, running, options);
    } catch (error) {
      const own = host.isHere ? undefined : await treeOn(host, running);
      if (own === undefined) throw error;
      return own;
    }
  }
  const tree = await findKernelTree(spec, options);
  if (tree.release === running) return tree;
  throw new UsageError({
    tried: `building a module for the kernel ${spec} (${host.name})`,
    happened: `Linux ${running} runs there, and ${spec} is ${tree.release}: a kernel loads only what was built for it`,
    next: 'leave --kernel out, or boot that kernel',
  });
}

/**
 * The headers that another host has installed for the kernel it runs.
 * @throws UsageError if another kernel is asked for · MissingError if it has none
 */
export async function kernelOn(host: Host, spec: string | undefined): Promise<KernelTree> {
  const { kernel: running } = await host.facts();
  const tried = `building a module on ${host.name}`;
  if (spec !== undefined && spec !== 'host') {
    throw new UsageError({
      tried,
      happened: `it builds for the kernel it runs, Linux ${running}`,
      next: 'leave --host out to build for another kernel here, or --kernel to build there',
    });
  }
  const found = await treeOn(host, running);
  if (found !== undefined) return found;
  throw new MissingError({
    tried,
    happened: `there is no /lib/modules/${running}/build`,
    next: `install ${headersPackage(running)} there`,
    missing: [headersPackage(running)],
  });
}

/** @throws MissingError if the kernel's headers are not installed, or not whole */
function installedTree(name: string, release: string, tried: string): KernelTree {
  const headers = `/lib/modules/${release}/build`;
  if (existsSync(headers)) return ownTree(name, headers, tried);
  throw new MissingError({
    tried,
    happened: `there is no ${headers}, or what it points at is gone`,
    next: [
      `install ${headersPackage(release)}`,
      `--kernel ${KERNELS.map((kernel) => kernel.name).join(', ')} or SUITE/VERSION takes a kernel of Debian's`,
    ],
    missing: [headersPackage(release)],
  });
}

/** Headers of the running kernel that a host has installed. */
async function treeOn(host: Host, release: string): Promise<KernelTree | undefined> {
  const headers = `/lib/modules/${release}/build`;
  const parts = ['include/config/auto.conf', 'Module.symvers'].map((name) => `${headers}/${name}`);
  const texts = await Promise.all(parts.map((path) => readIfThere(host, path)));
  if (texts[0] === undefined) return undefined;
  if (texts[1] === undefined) {
    throw incomplete(`building a module on ${host.name}`, headers, release, 'there');
  }
  const digest = digestOf(`${release}\n${texts.join('\n')}`);
  return { name: 'host', release, headers, digest, on: host };
}

async function treeOf(host: Host, release: string, options: FetchPackagesOptions): Promise<KernelTree> {
  const suites = suitesOf(release);
  const reasons: string[] = [];
  for (const suite of suites) {
    try {
      return await debianTree(release, suite, release, options);
    } catch (error) {
      if (!(error instanceof UnreachableError)) throw error;
      reasons.push(`${suite}: ${error.facts.happened}`);
    }
  }
  throw new MissingError({
    tried: `looking for the headers of Linux ${release} (${host.name})`,
    happened:
      suites.length > 0 ? reasons.flatMap(linesOf) : 'it is no kernel of Debian for x86-64, by its name',
    next: [
      ...(host.isHere ? [`apt-get install linux-headers-${release}, where the distribution has it`] : []),
      '--kernel FOLDER takes headers of that kernel that are on this machine',
      ...(suites.length > 0 ? ['boot the newest kernel of its suite there'] : []),
    ],
    missing: [`linux-headers-${release}`],
  });
}

async function debianTree(
  name: string,
  suite: string,
  release: string,
  options: FetchPackagesOptions,
): Promise<KernelTree> {
  const names = [`linux-headers-${release}`, ...TOOLS];
  const { folder, digest } = await fetchDebianPackages({ suite, names, dependencies: true }, options);
  return { name, release, headers: `/usr/src/linux-headers-${release}`, digest, root: folder };
}

/** Headers that are here; the kernel must be built with the compiler it was itself built with, by its first number. */
function ownTree(name: string, headers: string, tried: string): KernelTree {
  const read = (path: string): string => {
    try {
      return readFileSync(join(headers, path), 'utf8');
    } catch {
      return '';
    }
  };
  // Debian's kernel.release holds the version of Linux, `6.1.192`, where uname says `6.1.0-56-amd64`.
  const said = /UTS_RELEASE "(.+)"/.exec(read('include/generated/utsrelease.h'));
  const release = said?.[1] ?? read('include/config/kernel.release').trim();
  const config = read('include/config/auto.conf') || read('.config');
  if (release === '' || config === '') {
    throw new UsageError({
      tried,
      happened: `${headers} holds no headers that are ready to build modules with`,
      next: 'name a folder such as /lib/modules/VERSION/build, or a kernel tree after `make`',
    });
  }
  // Without it modpost knows no symbol, and what it makes is loaded by no kernel.
  if (read('Module.symvers') === '') throw incomplete(tried, headers, release, 'here');
  const version = /^CONFIG_GCC_VERSION=(\d+)$/m.exec(config)?.[1];
  const compiler = Number(version) > 0 ? ownCompiler(Math.trunc(Number(version) / 10_000), tried) : 'clang';
  return {
    name,
    release,
    headers,
    digest: digestOf(release + config + read('Module.symvers')),
    compiler,
  };
}

/** @param where `here` or `there` */
function incomplete(tried: string, headers: string, release: string, where: string): MissingError {
  return new MissingError({
    tried,
    happened: `${headers} has no Module.symvers: these headers are not whole`,
    next: `install ${headersPackage(release)} ${where} again`,
    missing: [headersPackage(release)],
  });
}

/** The package that brings a kernel's headers, by the marks that distributions put into its release. */
export function headersPackage(release: string): string {
  if (/[.](el|fc|amzn)\d/.test(release)) return `kernel-devel-${release}`;
  if (/-default$/.test(release)) return 'kernel-default-devel';
  if (/[-.]arch\d/.test(release)) return 'linux-headers';
  // Alpine counts its builds from 0, Arch from 1: 6.6.41-0-lts, 6.6.37-1-lts.
  const [, build, flavour] = /^[\d.]+-(\d+)-(lts|virt|edge|zen|hardened)$/.exec(release) ?? [];
  if (flavour === undefined) return `linux-headers-${release}`;
  return build === '0' ? `linux-${flavour}-dev` : `linux-${flavour}-headers`;
}

function ownCompiler(major: number, tried: string): string {
  const words = compilerWords();
  if (process.env.CC !== undefined && process.env.CC !== '') return words.join(' ');
  const name = `gcc-${major}`;
  if (findCommand(name) !== undefined) return name;
  throw new MissingError({
    tried,
    happened: `the kernel was built with gcc ${major}, and there is no ${name} here`,
    next: [`apt-get install ${name}`, '`CC=…` in the environment names another compiler, at your own risk'],
    missing: [name],
  });
}

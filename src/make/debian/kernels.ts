/** Kernels as Debian packages them: which suite has which, and what their packages are called. */

import { join } from 'node:path';
import { digestOf } from '../../base/digest.js';
import { UnreachableError, UsageError } from '../../base/errors.js';
import { cacheFolder } from '../../base/files/paths.js';
import { readJson, writeJson } from '../store/json.js';
import type { FetchPackagesOptions } from './packages.js';
import { type Suite, withSuite } from './suite.js';

/** Kernels known by name; `version` is the beginning of their release, the newest that begins so is taken. */
export const KERNELS: readonly { name: string; suite: string; version: string }[] = [
  { name: '5.10', suite: 'bullseye', version: '5.10' },
  { name: '6.1', suite: 'bookworm', version: '6.1' },
  { name: '6.12', suite: 'trixie', version: '6.12' },
  { name: 'unstable', suite: 'sid', version: '' },
];

export interface DebianKernel {
  name: string;
  suite: string;
  /** As `uname -r` prints it: `6.1.0-50-amd64`. */
  release: string;
  /** Packages that bring the image and the modules. */
  image: string[];
  /** Packages that bring what modules are built with. */
  headers: string[];
  /** The compiler it was built with, such as `gcc-12`; undefined if its packages don't tell. */
  compiler?: string;
}

/** Debian's name of this machine's architecture, as far as guests and modules are made for it. */
const ARCHITECTURE = 'amd64';

/**
 * Finds a kernel's packages: by a name of KERNELS, or by `SUITE/VERSION` (`trixie-backports/7.1`). Remembered until asked to `refresh`.
 * @throws UsageError if there is no such name · UnreachableError if the suite has no such kernel or can't be reached
 */
export async function findKernel(name: string, options: FetchPackagesOptions = {}): Promise<DebianKernel> {
  const { suite, version } = placeOf(name);
  const record = join(cacheFolder(), 'packages', 'kernels', `${digestOf(`${suite}/${version}`)}.json`);
  const known = options.refresh ? undefined : await readJson<DebianKernel>(record);
  if (known !== undefined) return { ...known, name };
  if (options.offline) {
    throw new UnreachableError({
      tried: `taking the kernel ${name} from the store`,
      happened: 'it was never fetched',
      next: 'run the command once without --offline',
    });
  }
  const kernel = await withSuite(suite, options, async (packages) => {
    if (options.refresh) await packages.bringUpToDate(0);
    return look(packages, name, suite, version);
  });
  await writeJson(record, kernel);
  return kernel;
}

function placeOf(name: string): { suite: string; version: string } {
  const known = KERNELS.find((kernel) => kernel.name === name);
  if (known !== undefined) return known;
  const [, suite, version] = /^([a-z][a-z0-9-]*)\/(\d[\w.+-]*)$/.exec(name) ?? [];
  if (suite !== undefined && version !== undefined) return { suite, version };
  throw new UsageError({
    tried: `looking for the kernel ${name}`,
    happened: 'there is none of that name',
    next: `take one of ${KERNELS.map((kernel) => kernel.name).join(', ')}, or SUITE/VERSION such as trixie-backports/7.1`,
  });
}

async function look(packages: Suite, name: string, suite: string, version: string): Promise<DebianKernel> {
  // Flavours (rt, cloud) stand before the architecture; meta packages have no third number.
  const pattern = new RegExp(
    `^linux-image-(\\d+\\.\\d+\\.\\d+(?:-\\d+|~rc\\d+|\\+deb\\d+)*-${ARCHITECTURE})$`,
  );
  const releases = (await packages.namesFrom('linux-image-'))
    .flatMap((found) => pattern.exec(found)?.[1] ?? [])
    .filter((release) => release.startsWith(version) && !/^\d/.test(version && release.slice(version.length)))
    .sort(byNumbers);
  const release = releases.at(-1);
  if (release === undefined) {
    throw new UnreachableError({
      tried: `looking for the kernel ${name}`,
      happened: `Debian ${suite} has none for ${ARCHITECTURE}`,
      next: 'take another suite or version',
    });
  }
  const image = await parts(packages, `linux-image-${release}`, (other) =>
    new RegExp(`^linux-(?:binary|modules|base)-${literally(release)}$`).test(other),
  );
  const headers = await parts(packages, `linux-headers-${release}`, (other) =>
    /^linux-(?:headers|kbuild|base)-\d/.test(other),
  );
  const compiler = headers.compiler ?? image.compiler;
  return {
    name,
    suite,
    release,
    image: image.names,
    headers: headers.names,
    ...(compiler === undefined ? {} : { compiler }),
  };
}

/**
 * Suites that may have the kernel of a release, as `uname -r` prints it, the likeliest first: a stable suite keeps to one
 * series. None if it is not named as Debian names those of this architecture.
 */
export function suitesOf(release: string): string[] {
  if (!new RegExp(`^\\d+\\.\\d+\\.\\d+.*-${ARCHITECTURE}$`).test(release)) return [];
  const stable = KERNELS.find(({ version }) => version !== '' && release.startsWith(`${version}.`));
  const backports = /\+(?:bpo|deb\d)/.test(release) ? ['trixie-backports', 'bookworm-backports'] : [];
  return [...(stable === undefined ? [] : [stable.suite]), 'sid', ...backports];
}

/** A package and those it depends on that belong to it. */
async function parts(
  packages: Suite,
  first: string,
  belongs: (name: string) => boolean,
): Promise<{ names: string[]; compiler?: string }> {
  const names = [first];
  let compiler: string | undefined;
  for (const name of names) {
    const [one] = await packages.show([name]);
    for (const other of one?.depends ?? []) {
      compiler ??= /^(?:linux-compiler-)?(gcc-\d+)(?:-x86|-for-host)?$/.exec(other)?.[1];
      if (belongs(other) && !names.includes(other)) names.push(other);
    }
  }
  return { names: names.sort(), ...(compiler === undefined ? {} : { compiler }) };
}

/** 6.1.0-9 before 6.1.0-50. */
function byNumbers(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}

function literally(text: string): string {
  return text.replace(/[.+]/g, '\\$&');
}

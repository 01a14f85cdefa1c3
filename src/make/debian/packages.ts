/**
 * Binary packages of any Debian suite, unpacked in the store; nothing is installed. What a request was answered with is
 * remembered (`packages/requests/`), so that the same request gets the same packages, without a network too, until it
 * is asked to `refresh`. The .deb files lie with the archives, by digest; trees unpacked from them in `packages/trees/`.
 */
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf, digestOfFile } from '../../base/digest.js';
import { UnreachableError } from '../../base/errors.js';
import { cacheFolder } from '../../base/files/paths.js';
import { getArchive, putArchive } from '../store/archives.js';
import type { OnSourceEvent } from '../store/events.js';
import { readJson, writeJson } from '../store/json.js';
import { withWorkFolder } from '../store/work.js';
import type { BinaryPackage } from './show.js';
import { type Suite, withSuite } from './suite.js';
import { unpackedDebs, unpackedFolder } from './unpacked.js';

export interface PackageRequest {
  /** `bullseye`, `bookworm`, `trixie`, `trixie-backports`, `sid`, … */
  suite: string;
  names: readonly string[];
  /** Whether all that they depend on comes along. */
  dependencies?: boolean;
}

export interface FetchPackagesOptions {
  /** Use only what the store has. */
  offline?: boolean | undefined;
  /** Look for newer packages than those remembered. */
  refresh?: boolean | undefined;
  /** Only find out whether they can be had: nothing is downloaded but lists, nothing unpacked, nothing remembered. */
  look?: boolean | undefined;
  signal?: AbortSignal | undefined;
  onEvent?: OnSourceEvent | undefined;
}

export interface DebianPackages {
  /** Root of the unpacked tree, where it is or (`look`) would be. Not to be written to. */
  folder: string;
  /** The same for the same packages; a key for what is made from them. */
  digest: string;
  packages: { name: string; version: string; sha256: string }[];
}

/**
 * Downloads packages through the machine's own mirror and unpacks them into one folder, or takes them from the store.
 * @throws UnreachableError if they can't be had · MissingError without apt or an archive of Debian's
 */
export async function fetchDebianPackages(
  request: PackageRequest,
  options: FetchPackagesOptions = {},
): Promise<DebianPackages> {
  const record = requestPath(request);
  const known = options.refresh ? undefined : await readJson<BinaryPackage[]>(record);
  const fetched =
    (known && (await fromStore(request, known, options))) ?? (await fromArchive(request, options, known));
  const { packages, paths } = fetched;
  if (packages !== known && !options.look) await writeJson(record, packages);
  const digest = digestOf(packages.map(({ sha256 }) => sha256).join('\n'));
  return {
    folder: options.look
      ? unpackedFolder(digest)
      : await unpackedDebs(digest, paths, options.signal, options.onEvent),
    digest,
    packages: packages.map(({ name, version, sha256 }) => ({ name, version, sha256 })),
  };
}

interface Fetched {
  packages: BinaryPackage[];
  /** Of the .deb files, in the same order. */
  paths: string[];
}

async function fromStore(
  request: PackageRequest,
  packages: BinaryPackage[],
  { onEvent }: FetchPackagesOptions,
): Promise<Fetched | undefined> {
  const paths: string[] = [];
  for (const { sha256 } of packages) {
    const path = await getArchive(sha256, onEvent);
    if (path === undefined) return undefined;
    paths.push(path);
  }
  onEvent?.({ kind: 'cached', location: describe(request), digest: digestOf(paths.join('\n')) });
  return { packages, paths };
}

async function fromArchive(
  request: PackageRequest,
  options: FetchPackagesOptions,
  known: BinaryPackage[] | undefined,
): Promise<Fetched> {
  if (options.offline) {
    throw new UnreachableError({
      tried: `taking ${describe(request)} from the store`,
      happened: known === undefined ? 'it was never fetched' : 'its files are no longer there',
      next: 'run the command once without --offline',
    });
  }
  options.onEvent?.({ kind: 'trying', location: describe(request) });
  return withSuite(request.suite, options, async (suite) => {
    if (options.refresh) await suite.bringUpToDate(0);
    const names = request.dependencies ? await suite.closure(request.names) : request.names;
    const packages = await suite.show([...names].sort());
    return { packages, paths: options.look ? [] : await download(suite, packages, options) };
  });
}

async function download(
  suite: Suite,
  packages: readonly BinaryPackage[],
  { onEvent }: FetchPackagesOptions,
): Promise<string[]> {
  const present = new Map<string, string>();
  for (const { sha256 } of packages) {
    const path = await getArchive(sha256, onEvent);
    if (path !== undefined) present.set(sha256, path);
  }
  const lacking = packages.filter(({ sha256 }) => !present.has(sha256));
  if (lacking.length > 0) {
    await withWorkFolder(async (work) => {
      const folder = join(work, 'debs');
      await mkdir(folder);
      await suite.download(lacking, folder);
      for (const name of await readdir(folder)) {
        const file = join(folder, name);
        const sha256 = await digestOfFile(file);
        const one = lacking.find((candidate) => candidate.sha256 === sha256);
        if (one === undefined) continue;
        present.set(sha256, await putArchive(file, sha256));
        onEvent?.({ kind: 'arrived', location: `${one.name} ${one.version}`, sha256, size: one.size });
      }
    });
  }
  return packages.map(({ name, sha256 }) => {
    const path = present.get(sha256);
    if (path !== undefined) return path;
    throw new UnreachableError({
      tried: `downloading the package ${name}`,
      happened: 'what came has another digest than the archive says',
      next: 'run the command again: the archive may have been changed meanwhile',
    });
  });
}

function requestPath({ suite, names, dependencies = false }: PackageRequest): string {
  const key = digestOf(JSON.stringify([suite, [...names].sort(), dependencies]));
  return join(cacheFolder(), 'packages', 'requests', `${key}.json`);
}

function describe({ suite, names }: PackageRequest): string {
  return `Debian ${suite}: ${names.join(', ')}`;
}

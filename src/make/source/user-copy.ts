/** `--source`: the user's own copy of a release. */

import { constants, statSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { digestOf } from '../../base/digest.js';
import { LabError, UnreachableError, UsageError } from '../../base/errors.js';
import { cacheFolder } from '../../base/files/paths.js';
import { here } from '../../hosts/host/local.js';
import type { SelectedRelease } from '../recipe/load.js';
import type { Release } from '../recipe/schema.js';
import type { OnSourceEvent } from '../store/events.js';
import { writeHint } from '../store/hints.js';
import { type ArchiveFacts, pinnedTrees } from '../store/pins.js';
import { listTree, TreeError, treeDigest, VERSION_CONTROL } from '../store/tree-digest.js';
import { getTree, treePath } from '../store/trees.js';
import { withWorkFolder } from '../store/work.js';
import { withoutCredentials } from './credentials.js';
import { checkTree, chooseRoot, storeFetched } from './fetched-tree.js';
import type { Fetched, LocationOptions } from './locations/fetched.js';
import { lookUpKey } from './lookup.js';
import { reasonOf } from './reason.js';
import { asSourceTree, comparePins, type Found, type SourceTree, type StepOptions } from './source-tree.js';
import { isPlain } from './unproven.js';

/**
 * The user's folder, archive or URL as a tree in the store, compared with what the release pins.
 * @throws UsageError if there is no such thing; UnreachableError if an URL can't be fetched; ArchiveError
 */
export async function fetchUserCopy(
  selected: SelectedRelease,
  source: string,
  offline: boolean,
  options: StepOptions,
): Promise<SourceTree> {
  const { recipe, release } = selected;
  const subdirs = [
    ...new Set(recipe.releases.flatMap((known) => known.sources.flatMap(({ subdir }) => subdir ?? []))),
  ];
  const found = isUrl(source)
    ? await fromUrl(source, subdirs, release, offline, options)
    : await fromPath(resolve(source), subdirs, release, options);
  const pinned = comparePins(release, found.digest, found.archive);
  const { location, digest } = found;
  const { onEvent } = options;
  if (pinned === 'differs') onEvent({ kind: 'differs', location, digest, expected: pinnedTrees(release) });
  else if (pinned !== 'none') onEvent({ kind: 'verified', location, by: pinned, digest });
  return asSourceTree(selected, { ...found, isPlain: isPlain(source) }, pinned);
}

type OwnFound = Found & { archive?: ArchiveFacts | undefined };

/** @throws UsageError if the user's copy is no folder or file of this machine; of an URL nothing is asked */
export function requireOwn(source: string): void {
  if (!isUrl(source)) kindOf(resolve(source));
}

function isUrl(source: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(source);
}

function kindOf(path: string): 'folder' | 'file' {
  const facts = statSync(path, { throwIfNoEntry: false });
  if (facts?.isDirectory()) return 'folder';
  if (facts?.isFile()) return 'file';
  throw new UsageError({
    tried: `taking the source from ${path}`,
    happened: facts === undefined ? 'there is nothing of that name' : 'it is neither a folder nor a file',
    next: 'name a folder, an archive (tar or zip), or an URL (http://, https://, git+https://, svn+http://)',
  });
}

async function fromPath(
  path: string,
  subdirs: readonly string[],
  release: Release,
  options: StepOptions,
): Promise<OwnFound> {
  if (kindOf(path) === 'folder') return fromFolder(path, subdirs, release, options);
  const { fetchFromFile } = await import('./locations/archive.js');
  return withWorkFolder(async (work) => {
    const fetched = await fetchFromFile(
      path,
      basename(path),
      {},
      { ...options, work, location: path, move: false },
    );
    return storeUserCopy(fetched, subdirs, release, options).catch((cause: unknown) => {
      if (!(cause instanceof TreeError)) throw cause;
      throw new LabError({
        tried: `taking the source from ${path}`,
        happened: cause.message,
        next: 'take the archive from another place, or unpack it yourself, look at it, and pass the folder by --source',
        cause,
      });
    });
  });
}

async function fromFolder(
  path: string,
  subdirs: readonly string[],
  release: Release,
  options: StepOptions,
): Promise<OwnFound> {
  const { limits, onEvent } = options;
  const trees = pinnedTrees(release);
  try {
    const root = await chooseRoot(path, subdirs, trees, limits);
    checkTree(root.listing, true);
    const { digest } = root;
    if ((await getTree(digest, onEvent)) !== undefined) {
      onEvent({ kind: 'cached', location: path, digest });
      return { folder: treePath(digest), digest, location: path, cached: true };
    }
    return await withWorkFolder(async (work) => {
      const folder = join(work, 'copy');
      await cp(root.folder, folder, {
        recursive: true,
        preserveTimestamps: true,
        verbatimSymlinks: true,
        mode: constants.COPYFILE_FICLONE,
        filter: (from) => from === root.folder || !VERSION_CONTROL.includes(basename(from)),
      });
      // Looked at again: it may have been written to while it was copied.
      const listing = await listTree(folder);
      const copy = { folder, digest: await treeDigest(folder, listing), listing };
      return await keep({ folder, location: path }, copy, onEvent);
    });
  } catch (error) {
    if (error instanceof LabError) throw error;
    throw new LabError({
      tried: `taking the source from the folder ${path}`,
      happened: reasonOf(error),
      next: 'pass a folder that holds the source tree and nothing else',
      cause: error,
    });
  }
}

async function fromUrl(
  url: string,
  subdirs: readonly string[],
  release: Release,
  offline: boolean,
  options: StepOptions,
): Promise<OwnFound> {
  const { limits } = options;
  const key = JSON.stringify(['own', url, ...subdirs]);
  const known = (): ReturnType<typeof lookUpKey> =>
    lookUpKey(key, subdirs, release, {}, options, withoutCredentials(url));
  const tried = `fetching the source from ${withoutCredentials(url)}`;
  const before = await known();
  if (before !== undefined) return before;
  if (offline) {
    throw new UnreachableError({
      tried,
      happened: 'the store does not have it',
      next: 'run it once without --offline',
    });
  }
  const lock = await here.lock(join(cacheFolder(), 'locks', digestOf(key)), limits.location);
  try {
    const meanwhile = await known();
    if (meanwhile !== undefined) return meanwhile;
    options.onEvent({ kind: 'trying', location: withoutCredentials(url) });
    const signal = AbortSignal.any([options.signal, AbortSignal.timeout(limits.location)]);
    return await withWorkFolder(async (work) => {
      const fetched = await fetchFromUrl(url, {
        ...options,
        signal,
        work,
        location: withoutCredentials(url),
      });
      const found = await storeUserCopy(fetched, subdirs, release, options);
      const { digest: tree, location, archive } = found;
      await writeHint({ key, tree, location, ...(archive === undefined ? {} : { archive }) });
      return found;
    });
  } catch (error) {
    options.signal.throwIfAborted();
    if (error instanceof LabError) throw error;
    throw new UnreachableError({
      tried,
      happened: reasonOf(error),
      next: 'check the address, or fetch it by other means and pass the folder or archive by --source',
      cause: error,
    });
  } finally {
    await lock.release();
  }
}

async function fetchFromUrl(url: string, options: LocationOptions): Promise<Fetched> {
  const [, means, rest] = /^(git|svn)\+(.*)$/.exec(url) ?? [];
  const bare = /^(git|svn):\/\//.exec(url)?.[1];
  if (means === 'git' || bare === 'git') {
    // git+https://host/path#ref, as npm and pip write it.
    const [address, ref] = (rest ?? url).split('#') as [string, string?];
    const { fetchByGit } = await import('./locations/git.js');
    return fetchByGit(address, ref, options);
  }
  if (means === 'svn' || bare === 'svn') {
    const { fetchBySvn } = await import('./locations/svn.js');
    return fetchBySvn(url.startsWith('svn+ssh:') ? url : (rest ?? url), undefined, options);
  }
  if (!/^https?:/i.test(url)) {
    throw new UsageError({
      tried: `fetching the source from ${withoutCredentials(url)}`,
      happened: 'it is no kind of URL that can be fetched',
      next: 'name an archive by http:// or https://, a repository by git+https:// or svn+http://',
    });
  }
  const { fetchByHttp } = await import('./locations/archive.js');
  return fetchByHttp(url, {}, options);
}

async function storeUserCopy(
  fetched: Fetched,
  subdirs: readonly string[],
  release: Release,
  { limits, onEvent }: StepOptions,
): Promise<OwnFound> {
  const root = await chooseRoot(fetched.folder, subdirs, pinnedTrees(release), limits);
  checkTree(root.listing);
  return keep(fetched, root, onEvent);
}

async function keep(
  fetched: Fetched,
  root: Parameters<typeof storeFetched>[1],
  onEvent: OnSourceEvent,
): Promise<OwnFound> {
  return { ...(await storeFetched(fetched, root, onEvent)), archive: fetched.archive };
}

import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder } from '../../../base/files/paths.js';
import { CommandError } from '../../../hosts/host/command-error.js';
import { here } from '../../../hosts/host/local.js';
import { type AptRoot, ageOfLists, DAY, prepareAptRoot, RETRY, updateLists } from '../../debian/apt-root.js';
import { parseShowsrc, upstreamVersion } from '../../debian/showsrc.js';
import { fetchFromFile } from './archive.js';
import type { Fetched, LocationOptions } from './fetched.js';

const WAIT = 180_000;

/**
 * The upstream tarball of a Debian source package. apt checks it by the archive's signatures. Only the upstream tree
 * is taken: Debian's own patches and packaging are not applied.
 * @param version upstream version; the newest Debian revision of it is taken
 */
export async function fetchByDebian(
  name: string,
  version: string,
  options: LocationOptions,
): Promise<Fetched> {
  const { work, location, signal } = options;
  const download = join(work, 'debian');
  await mkdir(download);
  let revision: string;
  try {
    const lock = await here.lock(join(cacheFolder(), 'locks', 'apt'), WAIT);
    try {
      const root = await prepareAptRoot();
      revision = await findRevision(root, name, version, signal);
      await here.run(
        [
          'apt-get',
          '-c',
          root.config,
          'source',
          '--quiet=2',
          '--only-source',
          '--download-only',
          `${name}=${revision}`,
        ],
        { cwd: download, timeout: options.limits.location, signal },
      );
    } finally {
      await lock.release();
    }
  } catch (error) {
    throw new Error(wordsOf(error), { cause: error });
  }
  const tarball = (await readdir(download)).find((file) => /\.orig\.tar\.(gz|xz|bz2|zst)$/.test(file));
  if (tarball === undefined)
    throw new Error(`the source package ${name} ${revision} has no upstream tarball`);
  return fetchFromFile(
    join(download, tarball),
    tarball,
    {},
    {
      ...options,
      location: `${location} (${revision})`,
      move: true,
    },
  );
}

async function findRevision(
  root: AptRoot,
  name: string,
  version: string,
  signal: AbortSignal,
): Promise<string> {
  let complaints: string[] = [];
  const age = await ageOfLists(root);
  if (age > DAY) complaints = await updateLists(root, signal);
  let known = await versionsOf(root, name, signal);
  let found = await newest(known, version);
  if (found === undefined && age >= RETRY && age <= DAY) {
    complaints = await updateLists(root, signal);
    known = await versionsOf(root, name, signal);
    found = await newest(known, version);
  }
  if (found !== undefined) return found;
  if (known.length > 0) throw new Error(`there is ${[...new Set(known)].join(', ')}, but no ${version}`);
  const said = complaints.length > 0 ? ` (apt says: ${complaints.slice(0, 2).join('; ')})` : '';
  throw new Error(`no archive of this machine's apt has the source package ${name}${said}`);
}

/** Versions of a source package that apt knows; none if it does not know it. */
async function versionsOf(root: AptRoot, name: string, signal: AbortSignal): Promise<string[]> {
  const argv = ['apt-cache', '-c', root.config, '--quiet=2', '--only-source', 'showsrc', name];
  const { stdout } = await here.run(argv, { accept: [100], signal });
  return parseShowsrc(stdout).flatMap((found) => (found.name === name ? [found.version] : []));
}

async function newest(known: readonly string[], upstream: string): Promise<string | undefined> {
  let best: string | undefined;
  for (const version of known) {
    if (upstreamVersion(version) !== upstream) continue;
    if (best === undefined) best = version;
    const { exitCode } = await here.run(['dpkg', '--compare-versions', version, 'gt', best], { accept: [1] });
    if (exitCode === 0) best = version;
  }
  return best;
}

function wordsOf(error: unknown): string {
  if (!(error instanceof CommandError)) return (error as Error).message;
  const { happened } = error.facts;
  if (happened === 'no such command') return 'this machine has no apt';
  const lines = error.stderr.split('\n').filter((line) => /^[EW]: /.test(line));
  return lines.length > 0 ? `apt says: ${lines.slice(0, 3).join('; ')}` : happened;
}

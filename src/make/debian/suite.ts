/** Questions to the private apt root of one Debian suite, and downloads from it. */
import { join } from 'node:path';
import { linesOf, MissingError, UnreachableError, UsageError } from '../../base/errors.js';
import { cacheFolder } from '../../base/files/paths.js';
import { CommandError } from '../../hosts/host/command-error.js';
import { here } from '../../hosts/host/local.js';
import { LIMITS } from '../store/limits.js';
import { type AptRoot, ageOfLists, DAY, prepareSuiteRoot, RETRY, updateLists } from './apt-root.js';
import { type BinaryPackage, parseShow, parseSimulation } from './show.js';

/** For another command that updates or downloads. */
const WAIT = 15 * 60_000;

export interface SuiteOptions {
  signal?: AbortSignal | undefined;
}

/**
 * Runs `use` with a suite's package lists, not older than a day where the archive can be reached, under a lock.
 * @throws UsageError if the suite's name can't be one · MissingError if there is no apt here, or no archive of Debian's
 *   in its lists · UnreachableError if apt fails
 */
export async function withSuite<T>(
  name: string,
  options: SuiteOptions,
  use: (suite: Suite) => Promise<T>,
): Promise<T> {
  const tried = `looking for packages of Debian ${name}`;
  if (!/^[a-z][a-z0-9-]*$/.test(name)) {
    throw new UsageError({
      tried,
      happened: 'that is no name of a suite',
      next: 'take one such as bookworm or sid',
    });
  }
  const signal = options.signal ?? new AbortController().signal;
  const lock = await here.lock(join(cacheFolder(), 'locks', `apt-${name}`), WAIT);
  try {
    const root = await prepareSuiteRoot(name).catch((error: Error) => {
      const noApt = error instanceof CommandError;
      throw new MissingError({
        tried,
        happened: noApt ? 'this machine has no apt' : linesOf(error.message),
        next: 'take a kernel and packages by path, or run this on a Debian system',
        missing: [noApt ? 'apt' : 'Debian archive'],
        cause: error,
      });
    });
    const suite = new Suite(name, root, signal);
    await suite.bringUpToDate(DAY);
    return await use(suite);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    const lines = error.stderr.split('\n').filter((line) => /^[EW]: /.test(line));
    throw new UnreachableError({
      tried,
      happened:
        lines.length > 0 ? `apt says: ${lines.slice(0, 3).join('; ')}` : linesOf(error.facts.happened),
      next: 'look at the network and at the archives in /etc/apt, then run this again',
      cause: error,
    });
  } finally {
    await lock.release();
  }
}

/** Made by `withSuite`. */
export class Suite {
  readonly #name: string;
  readonly #root: AptRoot;
  readonly #signal: AbortSignal;
  #isUpdated = false;
  #complaints: string[] = [];

  constructor(name: string, root: AptRoot, signal: AbortSignal) {
    this.#name = name;
    this.#root = root;
    this.#signal = signal;
  }

  /** @param age milliseconds that the lists may be old */
  async bringUpToDate(age: number): Promise<void> {
    if (this.#isUpdated || (await ageOfLists(this.#root)) < age) return;
    this.#isUpdated = true;
    this.#complaints = await updateLists(this.#root, this.#signal);
  }

  /** Names of all packages that begin so. */
  async namesFrom(prefix: string): Promise<string[]> {
    const names = async (): Promise<string[]> =>
      (await this.#apt(['apt-cache', 'pkgnames', prefix])).split('\n').filter((name) => name !== '');
    const found = await names();
    if (found.length > 0) return found;
    await this.bringUpToDate(RETRY);
    return names();
  }

  /**
   * The newest version of each package.
   * @throws UnreachableError if the suite lacks one
   */
  async show(names: readonly string[]): Promise<BinaryPackage[]> {
    let found = await this.#show(names);
    if (names.some((name) => !found.has(name))) {
      await this.bringUpToDate(RETRY);
      found = await this.#show(names);
    }
    return names.map((name) => {
      const one = found.get(name);
      if (one !== undefined) return one;
      const said =
        this.#complaints.length > 0 ? ` (apt says: ${this.#complaints.slice(0, 2).join('; ')})` : '';
      throw new UnreachableError({
        tried: `looking for the package ${name} in Debian ${this.#name}`,
        happened: `no archive of it has one${said}`,
        next: 'look at the name, at the network and at the archives in /etc/apt',
      });
    });
  }

  /** The packages and all they depend on. */
  async closure(names: readonly string[]): Promise<string[]> {
    await this.show(names);
    return parseSimulation(
      await this.#apt(['apt-get', '--simulate', '--quiet=2', '--no-install-recommends', 'install', ...names]),
    );
  }

  /** Downloads packages to a folder; apt holds them against the digests of the archive's signed index. */
  async download(packages: readonly BinaryPackage[], folder: string): Promise<void> {
    const words = packages.map(({ name, version }) => `${name}=${version}`);
    await this.#apt(['apt-get', '--quiet=2', 'download', ...words], folder);
  }

  async #show(names: readonly string[]): Promise<Map<string, BinaryPackage>> {
    const text = await this.#apt(['apt-cache', '--quiet=2', 'show', '--no-all-versions', ...names]);
    return new Map(parseShow(text).map((one) => [one.name, one]));
  }

  async #apt([program = '', ...words]: string[], cwd?: string): Promise<string> {
    const { stdout } = await here.run([program, '-c', this.#root.config, ...words], {
      accept: program === 'apt-cache' ? [100] : [],
      timeout: LIMITS.location,
      signal: this.#signal,
      ...(cwd === undefined ? {} : { cwd }),
    });
    return stdout;
  }
}

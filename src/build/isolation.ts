/**
 * Build steps are commands of strangers: they get no network and, by bubblewrap, write to the tree and temporary folders alone.
 * What a machine can't do is told.
 */
import { CommandError } from '../host/command-error.js';
import type { Host } from '../host/host.js';
import type { Runner } from '../host/root.js';

/** bwrap: no network, and nothing else to write to · unshare: no network · none: as any command */
export type Isolation = 'bwrap' | 'unshare' | 'none';

/** Of commands in it, without the command itself. */
const WORDS: Readonly<Record<Exclude<Isolation, 'none'>, (folder: string) => string[]>> = {
  bwrap: (folder) => [
    ...['bwrap', '--die-with-parent', '--unshare-net', '--ro-bind', '/', '/', '--dev-bind', '/dev', '/dev'],
    ...['--bind', '/tmp', '/tmp', '--bind', '/var/tmp', '/var/tmp', '--bind', folder, folder],
  ],
  // Of util-linux and busybox, for root.
  unshare: () => ['unshare', '-n'],
};

const CANNOT = 9;
const TRY = `"$@" > /dev/null 2>&1 || exit ${CANNOT}`;

/**
 * What isolates commands on a host; each way is tried, since kernels and containers forbid them.
 * @param folder that the commands write to; it is there
 */
export async function isolationOn(host: Runner, folder: string): Promise<Isolation> {
  for (const way of ['bwrap', 'unshare'] as const) {
    const { exitCode } = await host.run(['sh', '-c', TRY, 'sh', ...WORDS[way](folder), 'true'], {
      accept: [CANNOT],
    });
    if (exitCode === 0) return way;
  }
  return 'none';
}

/** @param folder see isolationOn */
export function isolated(host: Pick<Host, 'name' | 'run'>, way: Isolation, folder: string): Runner {
  if (way === 'none') return host;
  const words = WORDS[way](folder);
  return {
    run: async (argv, { cwd, ...options } = {}) => {
      try {
        return way === 'bwrap'
          ? await host.run([...words, ...(cwd === undefined ? [] : ['--chdir', cwd]), '--', ...argv], options)
          : await host.run([...words, ...argv], { ...options, ...(cwd === undefined ? {} : { cwd }) });
      } catch (error) {
        if (!(error instanceof CommandError) || !NOT_THERE.test(error.stderr)) throw error;
        throw new CommandError(host.name, argv, { code: 'ENOENT', stdout: '', stderr: '' }, options.log);
      }
    },
  };
}

/** As bubblewrap, util-linux and busybox say that there is no such command. */
const NOT_THERE =
  /^(?:bwrap: execvp|unshare: (?:failed to execute|can't execute)) .*: No such file or directory$/m;

/** What is to be said of a build; undefined: its steps had no network. */
export function isolationRemark({
  isolation,
  cached,
}: {
  isolation?: Isolation;
  cached: boolean;
}): string | undefined {
  return isolation === 'none' && !cached
    ? 'its steps could reach the network: there is neither a bwrap that works nor, for root, unshare -n'
    : undefined;
}
